//! AWS managed policies that make their holder an administrator.
//!
//! `iam:GetAccountAuthorizationDetails` is not asked for the documents of policies that AWS manages (there
//! are more than a thousand); what matters of them is written down here.

/// The actions that the AWS managed policy of that ARN allows on everything, as far as they make its holder
/// an administrator; `None` for other policies. The partition (`aws`, `aws-cn`, `aws-us-gov`, …) does not
/// matter.
pub(crate) fn administrator_actions(arn: &str) -> Option<&'static [&'static str]> {
    let name = managed_by_aws(arn)?;
    ADMINISTRATORS.iter().find(|(known, _)| *known == name).map(|(_, actions)| *actions)
}

/// The path and name of a policy that AWS manages: `job-function/Billing` of
/// `arn:aws:iam::aws:policy/job-function/Billing`.
pub(crate) fn managed_by_aws(arn: &str) -> Option<&str> {
    let parts: Vec<_> = arn.splitn(6, ':').collect();
    match parts[..] {
        ["arn", _, "iam", "", "aws", rest] => rest.strip_prefix("policy/"),
        _ => None,
    }
}

/// Found by [`privilege`](crate::privilege) itself in the documents of all 1,146 AWS managed policies that
/// a user can have attached, as moto 5.2.1 ships them (April 2026), and the retired
/// `AWSLambdaFullAccess`, which stays attached where it was. Where a policy lets roles be passed to one
/// service only, the actions are those of that service.
const ADMINISTRATORS: [(&str, &[&str]); 24] = [
    ("AWSElasticBeanstalkManagedUpdatesCustomerRolePolicy", PASS_ROLE_TO_CLOUDFORMATION),
    ("AWSLambdaFullAccess", PASS_ROLE_TO_LAMBDA),
    ("AWSLambda_FullAccess", PASS_ROLE_TO_LAMBDA),
    ("AWSMarketplaceFullAccess", PASS_ROLE_TO_EC2),
    ("AdministratorAccess", &["*"]),
    ("AdministratorAccess-AWSElasticBeanstalk", PASS_ROLE_TO_CLOUDFORMATION),
    ("AdministratorAccess-Amplify", &["iam:AttachRolePolicy"]),
    (
        "AmazonDynamoDBFullAccesswithDataPipeline",
        &[
            "iam:PassRole",
            "datapipeline:CreatePipeline",
            "datapipeline:PutPipelineDefinition",
            "datapipeline:ActivatePipeline",
        ],
    ),
    ("AmazonECS_FullAccess", &["iam:PassRole", "ecs:RegisterTaskDefinition", "ecs:RunTask"]),
    ("AmazonEKSComputePolicy", PASS_ROLE_TO_EC2),
    ("AmazonElasticMapReduceFullAccess", PASS_ROLE_TO_CLOUDFORMATION),
    ("AmazonSageMakerFullAccess", PASS_ROLE_TO_SAGEMAKER),
    ("AmazonSageMakerPipelinesIntegrations", PASS_ROLE_TO_LAMBDA),
    ("EC2FastLaunchFullAccess", PASS_ROLE_TO_EC2),
    ("IAMFullAccess", &["iam:*"]),
    ("SageMakerStudioAdminIAMDefaultExecutionPolicy", PASS_ROLE_TO_GLUE),
    ("SageMakerStudioAdminIAMPermissiveExecutionPolicy", PASS_ROLE_TO_GLUE),
    ("job-function/DataScientist", PASS_ROLE_TO_SAGEMAKER),
    ("service-role/AWSBackupServiceRolePolicyForRestores", PASS_ROLE_TO_EC2),
    ("service-role/AWSBatchServiceRole", PASS_ROLE_TO_EC2),
    ("service-role/AWSElasticBeanstalkService", PASS_ROLE_TO_CLOUDFORMATION),
    ("service-role/AmazonEC2SpotFleetTaggingRole", PASS_ROLE_TO_EC2),
    ("service-role/AmazonElasticMapReduceRole", PASS_ROLE_TO_EC2),
    ("service-role/ServerMigrationServiceLaunchRole", PASS_ROLE_TO_EC2),
];

const PASS_ROLE_TO_CLOUDFORMATION: &[&str] = &["iam:PassRole", "cloudformation:CreateStack"];
const PASS_ROLE_TO_EC2: &[&str] = &["iam:PassRole", "ec2:RunInstances"];
const PASS_ROLE_TO_GLUE: &[&str] = &["iam:PassRole", "glue:CreateDevEndpoint"];
const PASS_ROLE_TO_LAMBDA: &[&str] = &["iam:PassRole", "lambda:CreateFunction", "lambda:InvokeFunction"];
const PASS_ROLE_TO_SAGEMAKER: &[&str] =
    &["iam:PassRole", "sagemaker:CreateNotebookInstance", "sagemaker:CreatePresignedNotebookInstanceUrl"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{HeldPolicy, Holder, PolicySource, Privilege, privilege};

    #[test]
    fn every_listed_policy_makes_an_administrator() {
        for (name, _) in ADMINISTRATORS {
            let arn = format!("arn:aws-us-gov:iam::aws:policy/{name}");
            let source = PolicySource::Managed { arn: &arn, document: None };
            let verdict = privilege(&Holder {
                user_arn: "arn:aws-us-gov:iam::111122223333:user/alice",
                group_arns: Vec::new(),
                policies: vec![HeldPolicy { group: None, source }],
            });
            assert!(matches!(verdict, Privilege::Administrator { .. }), "{name}");
        }
    }

    #[test]
    fn policies_of_customers_are_not_taken_for_those_of_aws() {
        assert_eq!(administrator_actions("arn:aws:iam::111122223333:policy/AdministratorAccess"), None);
        assert_eq!(administrator_actions("AdministratorAccess"), None);
        assert_eq!(administrator_actions("arn:aws:iam::aws:policy/ReadOnlyAccess"), None);
    }
}
