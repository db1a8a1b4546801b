//! The table of calls that matter. Names are those of `eventName`, without versions.

use super::risk::Level::{self, Grave, Mild};
use super::risk::Risk::{
    self, Cost, Credentials, DataAccess, Destruction, Discovery, Evasion, Federation, Persistence, Privilege,
};

/// One kind of risk and the calls of one service that have it.
pub(super) struct Rule {
    pub(super) service: &'static str,
    pub(super) risk: Risk,
    pub(super) level: Level,
    names: &'static str,
    with: &'static str,
}

impl Rule {
    /// The calls.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.names.split_whitespace()
    }

    /// Only if `requestParameters` has one of these at any depth, neither false nor empty. Always, if there are none.
    pub(super) fn with(&self) -> impl Iterator<Item = &'static str> {
        self.with.split_whitespace()
    }
}

const fn always(service: &'static str, risk: Risk, level: Level, names: &'static str) -> Rule {
    Rule { service, risk, level, names, with: "" }
}

const fn only_with(
    service: &'static str,
    risk: Risk,
    level: Level,
    names: &'static str,
    with: &'static str,
) -> Rule {
    Rule { service, risk, level, names, with }
}

pub(super) const RULES: &[Rule] = &[
    // Something to sign in with.
    always(
        "iam",
        Credentials,
        Grave,
        "CreateAccessKey UpdateAccessKey CreateLoginProfile UpdateLoginProfile ChangePassword \
         CreateServiceSpecificCredential ResetServiceSpecificCredential UpdateServiceSpecificCredential \
         UploadSSHPublicKey UploadSigningCertificate UploadServerCertificate CreateVirtualMFADevice \
         EnableMFADevice DeactivateMFADevice DeleteVirtualMFADevice ResyncMFADevice",
    ),
    always("sts", Credentials, Grave, "GetSessionToken GetFederationToken AssumeRoot"),
    always("sts", Credentials, Mild, "AssumeRole"),
    always("signin", Credentials, Grave, "GetSigninToken CreateOAuth2Token AuthorizeOAuth2Access"),
    always("ec2", Credentials, Grave, "CreateKeyPair ImportKeyPair GetPasswordData"),
    always("ec2-instance-connect", Credentials, Grave, "SendSSHPublicKey SendSerialConsoleSSHPublicKey"),
    always("ecr", Credentials, Mild, "GetAuthorizationToken"),
    always("codeartifact", Credentials, Mild, "GetAuthorizationToken"),
    always("redshift", Credentials, Grave, "GetClusterCredentials GetClusterCredentialsWithIAM"),
    only_with("rds", Credentials, Grave, "ModifyDBCluster ModifyDBInstance", "masterUserPassword"),
    always(
        "cognito-identity",
        Credentials,
        Mild,
        "GetCredentialsForIdentity GetOpenIdTokenForDeveloperIdentity",
    ),
    always("cognito-idp", Credentials, Grave, "AdminCreateUser AdminSetUserPassword"),
    always("sso", Credentials, Mild, "GetRoleCredentials"),
    // Rights.
    always(
        "iam",
        Privilege,
        Grave,
        "AttachUserPolicy AttachRolePolicy AttachGroupPolicy PutUserPolicy PutRolePolicy PutGroupPolicy \
         AddUserToGroup AddRoleToInstanceProfile CreatePolicyVersion SetDefaultPolicyVersion \
         UpdateAssumeRolePolicy PutUserPermissionsBoundary PutRolePermissionsBoundary \
         DeleteUserPermissionsBoundary DeleteRolePermissionsBoundary DeleteUserPolicy DetachUserPolicy \
         DeleteRolePolicy DetachRolePolicy DetachGroupPolicy DeleteGroupPolicy",
    ),
    always("iam", Privilege, Mild, "CreatePolicy TagUser TagRole"),
    always("ec2", Privilege, Grave, "AssociateIamInstanceProfile ReplaceIamInstanceProfileAssociation"),
    always("organizations", Privilege, Grave, "AttachPolicy DetachPolicy UpdatePolicy DisablePolicyType"),
    always(
        "sso",
        Privilege,
        Grave,
        "CreateAccountAssignment PutInlinePolicyToPermissionSet AttachManagedPolicyToPermissionSet \
         ProvisionPermissionSet",
    ),
    always("sso-directory", Credentials, Grave, "CreateUser UpdatePassword AddMemberToGroup"),
    always("eks", Privilege, Grave, "CreateAccessEntry AssociateAccessPolicy"),
    always("kms", Privilege, Grave, "PutKeyPolicy CreateGrant"),
    // A role is handed to a program, which CloudTrail does not record as a call of its own (iam:PassRole).
    only_with(
        "ec2",
        Privilege,
        Grave,
        "RunInstances RequestSpotInstances CreateLaunchTemplate",
        "iamInstanceProfile",
    ),
    only_with("lambda", Privilege, Grave, "CreateFunction UpdateFunctionConfiguration", "role"),
    only_with("ecs", Privilege, Grave, "RegisterTaskDefinition RunTask", "taskRoleArn executionRoleArn"),
    only_with(
        "cloudformation",
        Privilege,
        Grave,
        "CreateStack UpdateStack CreateChangeSet CreateStackSet",
        "roleARN capabilities",
    ),
    only_with(
        "glue",
        Privilege,
        Grave,
        "CreateJob UpdateJob CreateDevEndpoint UpdateDevEndpoint",
        "role roleArn",
    ),
    only_with(
        "sagemaker",
        Privilege,
        Grave,
        "CreateNotebookInstance CreateTrainingJob CreateProcessingJob",
        "roleArn",
    ),
    only_with("codebuild", Privilege, Grave, "CreateProject UpdateProject", "serviceRole"),
    only_with("states", Privilege, Grave, "CreateStateMachine UpdateStateMachine", "roleArn"),
    only_with("datapipeline", Privilege, Grave, "CreatePipeline PutPipelineDefinition", "role"),
    // Identities of elsewhere.
    always(
        "iam",
        Federation,
        Grave,
        "CreateSAMLProvider UpdateSAMLProvider CreateOpenIDConnectProvider \
         UpdateOpenIDConnectProviderThumbprint AddClientIDToOpenIDConnectProvider \
         EnableOutboundWebIdentityFederation",
    ),
    always(
        "rolesanywhere",
        Federation,
        Grave,
        "CreateTrustAnchor UpdateTrustAnchor EnableTrustAnchor CreateProfile UpdateProfile EnableProfile \
         ImportCrl",
    ),
    always(
        "sso",
        Federation,
        Grave,
        "CreateInstance AssociateDirectory EnableExternalIdPConfigurationForDirectory",
    ),
    always("organizations", Federation, Grave, "InviteAccountToOrganization CreateAccount"),
    // What stays.
    always("iam", Persistence, Grave, "CreateUser CreateRole CreateInstanceProfile CreateServiceLinkedRole"),
    always(
        "lambda",
        Persistence,
        Grave,
        "CreateFunction UpdateFunctionCode UpdateFunctionConfiguration AddPermission \
         CreateEventSourceMapping CreateFunctionUrlConfig UpdateFunctionUrlConfig PublishLayerVersion \
         AddLayerVersionPermission",
    ),
    always("events", Persistence, Grave, "PutRule PutTargets PutPermission EnableRule CreateApiDestination"),
    always("scheduler", Persistence, Grave, "CreateSchedule UpdateSchedule"),
    only_with(
        "ec2",
        Persistence,
        Grave,
        "ModifyInstanceAttribute RunInstances CreateLaunchTemplate CreateLaunchTemplateVersion",
        "userData",
    ),
    always(
        "ec2",
        Persistence,
        Grave,
        "AuthorizeSecurityGroupIngress CreateVpcPeeringConnection AcceptVpcPeeringConnection \
         CreateClientVpnEndpoint ModifyInstanceMetadataOptions",
    ),
    always(
        "ssm",
        Persistence,
        Grave,
        "CreateDocument UpdateDocument UpdateDocumentDefaultVersion CreateAssociation UpdateAssociation \
         ModifyDocumentPermission SendCommand StartSession StartAutomationExecution CreateActivation",
    ),
    always("ecs", Persistence, Grave, "RegisterTaskDefinition CreateService ExecuteCommand"),
    always("ecs", Persistence, Mild, "UpdateService RunTask"),
    always("ecr", Persistence, Grave, "SetRepositoryPolicy PutRegistryPolicy"),
    always("codebuild", Persistence, Grave, "CreateProject UpdateProject CreateWebhook"),
    always("cloudformation", Persistence, Grave, "CreateStack UpdateStack CreateStackSet ExecuteChangeSet"),
    always("states", Persistence, Grave, "CreateStateMachine UpdateStateMachine"),
    always("apigateway", Persistence, Grave, "CreateApiKey CreateRestApi"),
    always("autoscaling", Persistence, Grave, "CreateAutoScalingGroup CreateLaunchConfiguration"),
    always("route53", Persistence, Grave, "ChangeResourceRecordSets"),
    always(
        "route53domains",
        Persistence,
        Grave,
        "TransferDomainToAnotherAwsAccount DisableDomainTransferLock",
    ),
    // What blinds.
    always(
        "cloudtrail",
        Evasion,
        Grave,
        "StopLogging DeleteTrail UpdateTrail PutEventSelectors PutInsightSelectors DeleteEventDataStore \
         StopEventDataStoreIngestion UpdateEventDataStore DeregisterOrganizationDelegatedAdmin",
    ),
    always(
        "guardduty",
        Evasion,
        Grave,
        "DeleteDetector UpdateDetector DisassociateFromMasterAccount DisassociateFromAdministratorAccount \
         DisassociateMembers DeleteMembers StopMonitoringMembers CreateIPSet UpdateIPSet CreateFilter \
         UpdateFilter DeletePublishingDestination ArchiveFindings DisableOrganizationAdminAccount",
    ),
    always(
        "securityhub",
        Evasion,
        Grave,
        "DisableSecurityHub DisassociateFromMasterAccount DisassociateFromAdministratorAccount \
         BatchDisableStandards UpdateStandardsControl DeleteMembers",
    ),
    always(
        "config",
        Evasion,
        Grave,
        "StopConfigurationRecorder DeleteConfigurationRecorder DeleteDeliveryChannel DeleteConfigRule \
         PutConfigurationRecorder",
    ),
    always("access-analyzer", Evasion, Grave, "DeleteAnalyzer CreateArchiveRule"),
    always("macie2", Evasion, Grave, "DisableMacie DisassociateFromAdministratorAccount"),
    always("inspector2", Evasion, Grave, "Disable"),
    always("detective", Evasion, Grave, "DeleteGraph DisassociateMembership"),
    always(
        "organizations",
        Evasion,
        Grave,
        "LeaveOrganization DeregisterDelegatedAdministrator RemoveAccountFromOrganization",
    ),
    always("ec2", Evasion, Grave, "DeleteFlowLogs DeleteNetworkAcl DeleteNetworkAclEntry"),
    always(
        "logs",
        Evasion,
        Grave,
        "DeleteLogGroup DeleteLogStream PutRetentionPolicy DeleteSubscriptionFilter DeleteMetricFilter \
         DeleteDestination",
    ),
    always("monitoring", Evasion, Grave, "DeleteAlarms DisableAlarmActions"),
    always("events", Evasion, Grave, "DisableRule DeleteRule RemoveTargets"),
    always("s3", Evasion, Grave, "PutBucketLogging PutBucketLifecycle PutBucketLifecycleConfiguration"),
    always(
        "bedrock",
        Evasion,
        Grave,
        "DeleteModelInvocationLoggingConfiguration PutModelInvocationLoggingConfiguration DeleteGuardrail",
    ),
    always("wafv2", Evasion, Grave, "DeleteWebACL DisassociateWebACL DeleteLoggingConfiguration"),
    always("iam", Evasion, Grave, "DeleteAccountPasswordPolicy UpdateAccountPasswordPolicy"),
    always("iam", Evasion, Mild, "DeleteAccessKey DeleteUser DeleteRole DeleteLoginProfile"),
    // Secrets and data.
    always("secretsmanager", DataAccess, Mild, "GetSecretValue BatchGetSecretValue"),
    always("secretsmanager", DataAccess, Grave, "PutResourcePolicy"),
    only_with(
        "ssm",
        DataAccess,
        Mild,
        "GetParameter GetParameters GetParametersByPath GetParameterHistory",
        "withDecryption",
    ),
    always("s3", DataAccess, Mild, "GetObject SelectObjectContent CopyObject GetDataAccess"),
    always(
        "s3",
        DataAccess,
        Grave,
        "PutBucketPolicy DeleteBucketPolicy PutBucketAcl PutObjectAcl PutBucketPublicAccessBlock \
         DeleteBucketPublicAccessBlock PutAccountPublicAccessBlock DeleteAccountPublicAccessBlock \
         PutBucketReplication PutAccessPointPolicy PutBucketCors PutBucketWebsite",
    ),
    always(
        "ec2",
        DataAccess,
        Grave,
        "ModifySnapshotAttribute ModifyImageAttribute CopySnapshot CopyImage CreateInstanceExportTask \
         CreateStoreImageTask ExportImage DisableEbsEncryptionByDefault GetConsoleScreenshot",
    ),
    always("ec2", DataAccess, Mild, "CreateSnapshot CreateSnapshots CreateImage CreateTrafficMirrorSession"),
    only_with("ec2", DataAccess, Grave, "DescribeInstanceAttribute", "userData"),
    always("ec2", DataAccess, Mild, "DescribeLaunchTemplateVersions"),
    always("ebs", DataAccess, Grave, "GetSnapshotBlock ListSnapshotBlocks ListChangedBlocks"),
    always(
        "rds",
        DataAccess,
        Grave,
        "ModifyDBSnapshotAttribute ModifyDBClusterSnapshotAttribute CopyDBSnapshot CopyDBClusterSnapshot \
         StartExportTask RestoreDBInstanceFromDBSnapshot RestoreDBClusterFromSnapshot",
    ),
    always("rds", DataAccess, Mild, "CreateDBSnapshot CreateDBClusterSnapshot DownloadDBLogFilePortion"),
    always("rds-data", DataAccess, Mild, "ExecuteStatement BatchExecuteStatement"),
    always("dynamodb", DataAccess, Mild, "Scan ExportTableToPointInTime"),
    always("athena", DataAccess, Mild, "GetQueryResults StartQueryExecution"),
    always("redshift", DataAccess, Grave, "AuthorizeSnapshotAccess AuthorizeDataShare"),
    always("kms", DataAccess, Mild, "Decrypt GenerateDataKey ReEncrypt"),
    always("lambda", DataAccess, Mild, "GetFunction GetFunctionConfiguration"),
    always("codecommit", DataAccess, Mild, "GitPull"),
    always("sqs", DataAccess, Grave, "AddPermission"),
    always("sns", DataAccess, Grave, "AddPermission Subscribe"),
    always(
        "ram",
        DataAccess,
        Grave,
        "CreateResourceShare AssociateResourceShare EnableSharingWithAwsOrganization",
    ),
    always("transfer", DataAccess, Grave, "CreateServer CreateUser ImportSshPublicKey"),
    always("datasync", DataAccess, Grave, "CreateTask StartTaskExecution"),
    // What is lost.
    always("s3", Destruction, Grave, "DeleteBucket DeleteObjects PutBucketVersioning PutBucketEncryption"),
    always("s3", Destruction, Mild, "DeleteObject"),
    always("ec2", Destruction, Grave, "TerminateInstances DeleteSnapshot DeleteVolume DeregisterImage"),
    always(
        "rds",
        Destruction,
        Grave,
        "DeleteDBInstance DeleteDBCluster DeleteDBSnapshot DeleteDBClusterSnapshot",
    ),
    always("dynamodb", Destruction, Grave, "DeleteTable DeleteBackup UpdateContinuousBackups"),
    always("kms", Destruction, Grave, "ScheduleKeyDeletion DisableKey DeleteImportedKeyMaterial DeleteAlias"),
    always("backup", Destruction, Grave, "DeleteBackupVault DeleteRecoveryPoint DeleteBackupPlan"),
    always("secretsmanager", Destruction, Grave, "DeleteSecret"),
    always("cloudformation", Destruction, Grave, "DeleteStack"),
    always("elasticfilesystem", Destruction, Grave, "DeleteFileSystem"),
    // What costs.
    always(
        "ec2",
        Cost,
        Grave,
        "RunInstances RequestSpotInstances RequestSpotFleet CreateFleet PurchaseReservedInstancesOffering",
    ),
    always("bedrock", Cost, Mild, "InvokeModel InvokeModelWithResponseStream Converse ConverseStream"),
    always(
        "bedrock",
        Cost,
        Grave,
        "CreateModelInvocationJob PutUseCaseForModelAccess PutFoundationModelEntitlement \
         CreateFoundationModelAgreement CreateProvisionedModelThroughput",
    ),
    always(
        "sagemaker",
        Cost,
        Grave,
        "CreateEndpoint CreateTrainingJob CreateNotebookInstance CreateProcessingJob",
    ),
    always("batch", Cost, Grave, "CreateComputeEnvironment"),
    always("batch", Cost, Mild, "SubmitJob"),
    always("ecs", Cost, Grave, "CreateCluster CreateService"),
    always("ecs", Cost, Mild, "RunTask"),
    always("eks", Cost, Grave, "CreateCluster CreateNodegroup"),
    always("lightsail", Cost, Grave, "CreateInstances DownloadDefaultKeyPair GetInstanceAccessDetails"),
    always(
        "ses",
        Cost,
        Grave,
        "VerifyEmailIdentity CreateEmailIdentity PutAccountDetails UpdateAccountSendingEnabled",
    ),
    always("ses", Cost, Mild, "SendEmail SendRawEmail"),
    always("sns", Cost, Grave, "SetSMSAttributes CreateSMSSandboxPhoneNumber"),
    always("servicequotas", Cost, Grave, "RequestServiceQuotaIncrease"),
    always("support", Cost, Grave, "CreateCase"),
    always("account", Cost, Grave, "EnableRegion"),
    // Who looks first where he is.
    always("sts", Discovery, Mild, "GetCallerIdentity GetAccessKeyInfo"),
    always(
        "iam",
        Discovery,
        Grave,
        "GetAccountAuthorizationDetails SimulatePrincipalPolicy GetCredentialReport \
         GenerateCredentialReport",
    ),
    always(
        "iam",
        Discovery,
        Mild,
        "ListUsers ListRoles ListGroups ListPolicies ListAccessKeys ListAttachedUserPolicies \
         ListUserPolicies ListAttachedRolePolicies ListRolePolicies ListGroupsForUser \
         ListEntitiesForPolicy ListMFADevices ListInstanceProfiles ListSAMLProviders \
         ListOpenIDConnectProviders ListAccountAliases GetUser GetLoginProfile GetPolicyVersion \
         GetAccountSummary GetAccountPasswordPolicy",
    ),
    always("organizations", Discovery, Mild, "DescribeOrganization ListAccounts ListRoots ListPolicies"),
    always(
        "s3",
        Discovery,
        Mild,
        "ListBuckets GetBucketAcl GetBucketPolicy GetBucketPublicAccessBlock GetBucketVersioning",
    ),
    always("secretsmanager", Discovery, Mild, "ListSecrets DescribeSecret"),
    always("ssm", Discovery, Mild, "DescribeParameters DescribeInstanceInformation"),
    always("ses", Discovery, Mild, "GetSendQuota GetAccount ListIdentities GetAccountSendingEnabled"),
    always("servicequotas", Discovery, Mild, "ListServiceQuotas GetServiceQuota"),
    always(
        "bedrock",
        Discovery,
        Mild,
        "ListFoundationModels GetFoundationModelAvailability GetModelInvocationLoggingConfiguration \
         ListInferenceProfiles GetUseCaseForModelAccess",
    ),
    always("ce", Discovery, Mild, "GetCostAndUsage"),
    always("cloudtrail", Discovery, Mild, "DescribeTrails GetTrailStatus GetEventSelectors LookupEvents"),
    always("guardduty", Discovery, Mild, "ListDetectors GetDetector ListFindings"),
    always("account", Discovery, Mild, "ListRegions GetContactInformation"),
];
