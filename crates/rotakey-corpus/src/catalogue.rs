//! What is called: services, actions, and what their records hold.
//!
//! `<name>` in a text stands for something that is made up for each event; [`crate::template`] knows the names.

/// One action of one service.
pub(crate) struct Action {
    /// `eventSource`.
    pub(crate) source: &'static str,
    /// `eventName`.
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// `requestParameters`.
    pub(crate) request: &'static str,
    /// `responseElements`.
    pub(crate) response: &'static str,
    /// Further members, each with a comma before it.
    pub(crate) more: &'static str,
    /// The error codes that this service answers with.
    pub(crate) errors: &'static [(&'static str, &'static str)],
}

/// Which kind of event an action leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Read,
    Write,
    /// Of a global service, which writes to the trail of `us-east-1` only.
    GlobalRead,
    GlobalWrite,
    DataRead,
    DataWrite,
}

impl Kind {
    pub(crate) fn is_read(self) -> bool {
        matches!(self, Self::Read | Self::GlobalRead | Self::DataRead)
    }

    pub(crate) fn is_global(self) -> bool {
        matches!(self, Self::GlobalRead | Self::GlobalWrite)
    }

    pub(crate) fn is_data(self) -> bool {
        matches!(self, Self::DataRead | Self::DataWrite)
    }
}

use Kind::{DataRead, DataWrite, GlobalRead, GlobalWrite, Read, Write};

const S3: &str = "s3.amazonaws.com";
const EC2: &str = "ec2.amazonaws.com";
const IAM: &str = "iam.amazonaws.com";
const STS: &str = "sts.amazonaws.com";
const KMS: &str = "kms.amazonaws.com";
const DYNAMODB: &str = "dynamodb.amazonaws.com";
const LAMBDA: &str = "lambda.amazonaws.com";
const SQS: &str = "sqs.amazonaws.com";
const LOGS: &str = "logs.amazonaws.com";
const ECR: &str = "ecr.amazonaws.com";
const SECRETS: &str = "secretsmanager.amazonaws.com";
const SSM: &str = "ssm.amazonaws.com";

type Errors = &'static [(&'static str, &'static str)];

const OF_S3: Errors = &[
    ("AccessDenied", "Access Denied"),
    ("NoSuchKey", "The specified key does not exist."),
    ("NoSuchBucket", "The specified bucket does not exist"),
    ("SlowDown", "Please reduce your request rate."),
];
const OF_EC2: Errors = &[
    (
        "Client.UnauthorizedOperation",
        "You are not authorized to perform this operation. Encoded authorization failure message: <b64_320>",
    ),
    ("Client.RequestLimitExceeded", "Request limit exceeded."),
    ("Client.DryRunOperation", "Request would have succeeded, but DryRun flag is set."),
    ("Client.InvalidInstanceID.NotFound", "The instance ID 'i-<hex17>' does not exist"),
];
const OF_IAM: Errors = &[
    (
        "AccessDenied",
        "User: arn:aws:iam::<account>:user/<name> is not authorized to perform this action because no identity-based policy allows it",
    ),
    ("NoSuchEntityException", "The user with name <name> cannot be found."),
    ("Throttling", "Rate exceeded"),
    ("EntityAlreadyExistsException", "Role with name <name> already exists."),
];
const OF_OTHERS: Errors = &[
    (
        "AccessDeniedException",
        "User is not authorized to perform this action on resource: arn:aws:<region>:<account>:<name> with an explicit deny in a service control policy",
    ),
    ("ThrottlingException", "Rate exceeded"),
    ("ResourceNotFoundException", "Requested resource not found"),
    (
        "ValidationException",
        "1 validation error detected: Value at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+",
    ),
];

const fn action(
    source: &'static str,
    name: &'static str,
    kind: Kind,
    errors: Errors,
    request: &'static str,
    response: &'static str,
    more: &'static str,
) -> Action {
    Action { source, name, kind, request, response, more, errors }
}

const S3_MORE: &str = r#","additionalEventData":{"SignatureVersion":"SigV4","CipherSuite":"TLS_AES_128_GCM_SHA256","bytesTransferredIn":0,"AuthenticationMethod":"AuthHeader","x-amz-id-2":"<b64_76>","bytesTransferredOut":<N>},"resources":[{"type":"AWS::S3::Object","ARN":"arn:aws:s3:::<bucket>/<path>"},{"accountId":"<account>","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::<bucket>"}]"#;
const S3_REQUEST: &str =
    r#"{"bucketName":"<bucket>","Host":"<bucket>.s3.<region>.amazonaws.com","key":"<path>"}"#;
const S3_BUCKET: &str = r#"{"bucketName":"<bucket>","Host":"<bucket>.s3.<region>.amazonaws.com","acl":""}"#;
const S3_BUCKET_MORE: &str = r#","additionalEventData":{"SignatureVersion":"SigV4","CipherSuite":"ECDHE-RSA-AES128-GCM-SHA256","bytesTransferredIn":0,"AuthenticationMethod":"AuthHeader","x-amz-id-2":"<b64_76>","bytesTransferredOut":<n>},"resources":[{"accountId":"<account>","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::<bucket>"}]"#;
const KMS_MORE: &str = r#","resources":[{"accountId":"<account>","type":"AWS::KMS::Key","ARN":"arn:aws:kms:<region>:<account>:key/<uuid>"}]"#;
const TABLE_MORE: &str = r#","additionalEventData":{"eventCategory":"Data"},"resources":[{"accountId":"<account>","type":"AWS::DynamoDB::Table","ARN":"arn:aws:dynamodb:<region>:<account>:table/<name>"}]"#;
const EC2_LIST: &str = r#"{"maxResults":<n>,"filterSet":{"items":[{"name":"tag:Environment","valueSet":{"items":[{"value":"production"},{"value":"staging"}]}},{"name":"instance-state-name","valueSet":{"items":[{"value":"running"}]}}]}}"#;
const POLICY: &str = r#"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Sid\":\"Allow<n>\",\"Effect\":\"Allow\",\"Action\":[\"s3:GetObject\",\"s3:PutObject\",\"s3:ListBucket\",\"kms:Decrypt\",\"kms:GenerateDataKey\"],\"Resource\":[\"arn:aws:s3:::<bucket>\",\"arn:aws:s3:::<bucket>/*\"],\"Condition\":{\"StringEquals\":{\"aws:PrincipalOrgID\":\"o-<hex8>\"},\"Bool\":{\"aws:SecureTransport\":\"true\"}}},{\"Effect\":\"Deny\",\"Action\":\"*\",\"Resource\":\"*\",\"Condition\":{\"StringNotEquals\":{\"aws:RequestedRegion\":[\"us-east-1\",\"eu-west-1\",\"eu-central-1\"]}}}]}"#;
/// Joins a text at compile time with the policy in the middle.
macro_rules! with_policy {
    ($before:literal, $after:literal) => {
        concat!($before, "<policy>", $after)
    };
}
/// What `<policy>` stands for: a policy document, escaped as it stands in a JSON string.
pub(crate) const POLICY_DOCUMENT: &str = POLICY;

/// All actions; those that are called most come first.
pub(crate) const ACTIONS: &[Action] = &[
    action(STS, "GetCallerIdentity", Read, OF_OTHERS, "null", "null", ""),
    action(S3, "GetObject", DataRead, OF_S3, S3_REQUEST, "null", S3_MORE),
    action(
        EC2,
        "DescribeVpcs",
        Read,
        OF_EC2,
        r#"{"vpcSet":{"items":[{"vpcId":"vpc-<hex17>"}]},"filterSet":{}}"#,
        "null",
        "",
    ),
    action(
        S3,
        "PutObject",
        DataWrite,
        OF_S3,
        S3_REQUEST,
        r#"{"x-amz-server-side-encryption":"aws:kms","x-amz-server-side-encryption-aws-kms-key-id":"arn:aws:kms:<region>:<account>:key/<uuid>"}"#,
        S3_MORE,
    ),
    action(EC2, "DescribeInstances", Read, OF_EC2, EC2_LIST, "null", ""),
    action(
        KMS,
        "Decrypt",
        Read,
        OF_OTHERS,
        r#"{"encryptionContext":{"aws:s3:arn":"arn:aws:s3:::<bucket>/<path>"},"encryptionAlgorithm":"SYMMETRIC_DEFAULT"}"#,
        "null",
        KMS_MORE,
    ),
    action(
        DYNAMODB,
        "GetItem",
        DataRead,
        OF_OTHERS,
        r#"{"tableName":"<name>","key":{"pk":"<uuid>","sk":"PROFILE"},"consistentRead":false}"#,
        "null",
        TABLE_MORE,
    ),
    action(
        S3,
        "ListBucket",
        DataRead,
        OF_S3,
        r#"{"list-type":"2","bucketName":"<bucket>","encoding-type":"url","prefix":"<path>","delimiter":"/","Host":"<bucket>.s3.<region>.amazonaws.com"}"#,
        "null",
        S3_BUCKET_MORE,
    ),
    action(
        DYNAMODB,
        "PutItem",
        DataWrite,
        OF_OTHERS,
        r#"{"tableName":"<name>","key":{"pk":"<uuid>"},"items":["pk","sk","payload","expiresAt","version"],"returnConsumedCapacity":"TOTAL"}"#,
        "null",
        TABLE_MORE,
    ),
    action(
        EC2,
        "DescribeSecurityGroups",
        Read,
        OF_EC2,
        r#"{"securityGroupSet":{},"securityGroupIdSet":{"items":[{"groupId":"sg-<hex17>"},{"groupId":"sg-<hex17>"}]},"filterSet":{}}"#,
        "null",
        "",
    ),
    action(
        LOGS,
        "CreateLogStream",
        Write,
        OF_OTHERS,
        r#"{"logGroupName":"/aws/lambda/<name>","logStreamName":"2026/10/07/[$LATEST]<hex32>"}"#,
        "null",
        r#","apiVersion":"20140328""#,
    ),
    action(
        LAMBDA,
        "Invoke",
        DataWrite,
        OF_OTHERS,
        r#"{"functionName":"arn:aws:lambda:<region>:<account>:function:<name>","invocationType":"RequestResponse"}"#,
        "null",
        r#","additionalEventData":{"functionVersion":"arn:aws:lambda:<region>:<account>:function:<name>:$LATEST"},"resources":[{"accountId":"<account>","type":"AWS::Lambda::Function","ARN":"arn:aws:lambda:<region>:<account>:function:<name>"}]"#,
    ),
    action(S3, "HeadObject", DataRead, OF_S3, S3_REQUEST, "null", S3_MORE),
    action(
        ECR,
        "BatchGetImage",
        Read,
        OF_OTHERS,
        r#"{"repositoryName":"<name>","imageIds":[{"imageDigest":"sha256:<hex64>"}],"acceptedMediaTypes":["application/vnd.oci.image.manifest.v1+json","application/vnd.docker.distribution.manifest.v2+json"],"registryId":"<account>"}"#,
        "null",
        r#","resources":[{"ARN":"arn:aws:ecr:<region>:<account>:repository/<name>","accountId":"<account>"}]"#,
    ),
    action(ECR, "GetAuthorizationToken", Read, OF_OTHERS, "null", "null", ""),
    action(
        SECRETS,
        "GetSecretValue",
        Read,
        OF_OTHERS,
        r#"{"secretId":"arn:aws:secretsmanager:<region>:<account>:secret:<name>","versionStage":"AWSCURRENT"}"#,
        "null",
        "",
    ),
    action(
        SSM,
        "GetParameters",
        Read,
        OF_OTHERS,
        r#"{"names":["/<name>/database/url","/<name>/feature/flags","/<name>/version"],"withDecryption":true}"#,
        "null",
        r#","resources":[{"accountId":"<account>","ARN":"arn:aws:ssm:<region>:<account>:parameter/<name>/database/url"}]"#,
    ),
    action(
        SQS,
        "SendMessage",
        DataWrite,
        OF_OTHERS,
        r#"{"queueUrl":"https://sqs.<region>.amazonaws.com/<account>/<name>","messageBody":"HIDDEN_DUE_TO_SECURITY_REASONS","delaySeconds":0}"#,
        r#"{"messageId":"<uuid>","mD5OfMessageBody":"<hex32>"}"#,
        r#","resources":[{"accountId":"<account>","type":"AWS::SQS::Queue","ARN":"arn:aws:sqs:<region>:<account>:<name>"}]"#,
    ),
    action(IAM, "GetRole", GlobalRead, OF_IAM, r#"{"roleName":"<name>"}"#, "null", ""),
    action(IAM, "ListAttachedRolePolicies", GlobalRead, OF_IAM, r#"{"roleName":"<name>"}"#, "null", ""),
    action(
        EC2,
        "DescribeVolumes",
        Read,
        OF_EC2,
        r#"{"volumeSet":{},"filterSet":{"items":[{"name":"attachment.instance-id","valueSet":{"items":[{"value":"i-<hex17>"}]}}]}}"#,
        "null",
        "",
    ),
    action(S3, "ListBuckets", Read, OF_S3, r#"{"Host":"s3.amazonaws.com"}"#, "null", S3_BUCKET_MORE),
    action(S3, "GetBucketAcl", Read, OF_S3, S3_BUCKET, "null", S3_BUCKET_MORE),
    action(S3, "GetBucketPolicy", Read, OF_S3, S3_BUCKET, "null", S3_BUCKET_MORE),
    action(
        KMS,
        "GenerateDataKey",
        Read,
        OF_OTHERS,
        r#"{"keyId":"arn:aws:kms:<region>:<account>:key/<uuid>","encryptionContext":{"aws:s3:arn":"arn:aws:s3:::<bucket>"},"keySpec":"AES_256"}"#,
        "null",
        KMS_MORE,
    ),
    action(LAMBDA, "GetFunction20150331v2", Read, OF_OTHERS, r#"{"functionName":"<name>"}"#, "null", ""),
    action(
        "monitoring.amazonaws.com",
        "DescribeAlarms",
        Read,
        OF_OTHERS,
        r#"{"alarmNames":["<name>-5xx","<name>-latency"],"maxRecords":<n>}"#,
        "null",
        "",
    ),
    action(
        "elasticloadbalancing.amazonaws.com",
        "DescribeTargetHealth",
        Read,
        OF_OTHERS,
        r#"{"targetGroupArn":"arn:aws:elasticloadbalancing:<region>:<account>:targetgroup/<name>/<hex17>"}"#,
        "null",
        r#","apiVersion":"2015-12-01""#,
    ),
    action(
        "autoscaling.amazonaws.com",
        "DescribeAutoScalingGroups",
        Read,
        OF_OTHERS,
        r#"{"autoScalingGroupNames":["<name>","<name>-blue"],"maxRecords":<n>}"#,
        "null",
        "",
    ),
    action(
        "rds.amazonaws.com",
        "DescribeDBInstances",
        Read,
        OF_OTHERS,
        r#"{"dBInstanceIdentifier":"<name>"}"#,
        "null",
        "",
    ),
    action("eks.amazonaws.com", "DescribeCluster", Read, OF_OTHERS, r#"{"name":"<name>"}"#, "null", ""),
    action(
        "ecs.amazonaws.com",
        "DescribeTasks",
        Read,
        OF_OTHERS,
        r#"{"cluster":"<name>","tasks":["arn:aws:ecs:<region>:<account>:task/<name>/<hex32>"],"include":["TAGS"]}"#,
        "null",
        "",
    ),
    action(
        "cloudformation.amazonaws.com",
        "DescribeStacks",
        Read,
        OF_OTHERS,
        r#"{"stackName":"arn:aws:cloudformation:<region>:<account>:stack/<name>/<uuid>"}"#,
        "null",
        "",
    ),
    action(
        IAM,
        "PutRolePolicy",
        GlobalWrite,
        OF_IAM,
        with_policy!(r#"{"roleName":"<name>","policyName":"inline-<n>","policyDocument":""#, r#""}"#),
        "null",
        "",
    ),
    action(
        IAM,
        "CreatePolicy",
        GlobalWrite,
        OF_IAM,
        with_policy!(
            r#"{"policyName":"<name>","path":"/","description":"made by \"terraform\" \\ do not edit","policyDocument":""#,
            r#""}"#
        ),
        r#"{"policy":{"policyName":"<name>","policyId":"ANPA<base32_17>","arn":"arn:aws:iam::<account>:policy/<name>","path":"/","defaultVersionId":"v1","attachmentCount":0,"permissionsBoundaryUsageCount":0,"isAttachable":true,"createDate":"<awsdate>","updateDate":"<awsdate>"}}"#,
        "",
    ),
    action(
        S3,
        "PutBucketPolicy",
        Write,
        OF_S3,
        r#"{"bucketName":"<bucket>","Host":"<bucket>.s3.<region>.amazonaws.com","bucketPolicy":{"Version":"2012-10-17","Statement":[{"Sid":"s<n>","Effect":"Allow","Principal":{"AWS":["arn:aws:iam::<account>:role/<name>"]},"Action":["s3:GetObject"],"Resource":"arn:aws:s3:::<bucket>/*"}]},"policy":""}"#,
        "null",
        S3_BUCKET_MORE,
    ),
    action(
        EC2,
        "RunInstances",
        Write,
        OF_EC2,
        r#"{"instancesSet":{"items":[{"imageId":"ami-<hex17>","minCount":1,"maxCount":1,"keyName":"<name>"}]},"instanceType":"m7i.large","blockDeviceMapping":{"items":[{"deviceName":"/dev/xvda","ebs":{"volumeSize":<n>,"deleteOnTermination":true,"volumeType":"gp3","encrypted":true}}]},"monitoring":{"enabled":false},"disableApiTermination":false,"clientToken":"<uuid>","userData":"<sensitiveDataRemoved>","tagSpecificationSet":{"items":[{"resourceType":"instance","tags":[{"key":"Name","value":"<name>"},{"key":"Owner","value":"team-<n>"},{"key":"note","value":"{\"accessKeyId\":\"<decoy>\"}"}]}]}}"#,
        r#"{"requestId":"<uuid>","reservationId":"r-<hex17>","ownerId":"<account>","groupSet":{},"instancesSet":{"items":[{"instanceId":"i-<hex17>","imageId":"ami-<hex17>","currentState":{"code":0,"name":"pending"},"privateDnsName":"ip-10-0-<n>-<n>.<region>.compute.internal","instanceType":"m7i.large","launchTime":<N>000,"placement":{"availabilityZone":"<region>a","tenancy":"default"},"monitoring":{"state":"disabled"},"subnetId":"subnet-<hex17>","vpcId":"vpc-<hex17>","privateIpAddress":"10.0.<n>.<n>","stateReason":{"code":"pending","message":"pending"},"architecture":"x86_64","rootDeviceType":"ebs","rootDeviceName":"/dev/xvda","blockDeviceMapping":{},"virtualizationType":"hvm","hypervisor":"xen","networkInterfaceSet":{"items":[{"networkInterfaceId":"eni-<hex17>","subnetId":"subnet-<hex17>","vpcId":"vpc-<hex17>","ownerId":"<account>","status":"in-use","macAddress":"0a:<hex8>","sourceDestCheck":true}]}}]}}"#,
        "",
    ),
    action(
        EC2,
        "CreateTags",
        Write,
        OF_EC2,
        r#"{"resourcesSet":{"items":[{"resourceId":"i-<hex17>"},{"resourceId":"vol-<hex17>"}]},"tagSet":{"items":[{"key":"Name","value":"<name>"},{"key":"cost-centre","value":"<n>"},{"key":"Größe","value":"mittel 🚀 \ud83d\ude80"}]}}"#,
        r#"{"requestId":"<uuid>","_return":true}"#,
        "",
    ),
    action(IAM, "ListAccessKeys", GlobalRead, OF_IAM, r#"{"userName":"<name>"}"#, "null", ""),
    action(IAM, "GetAccessKeyLastUsed", GlobalRead, OF_IAM, r#"{"accessKeyId":"<decoy>"}"#, "null", ""),
    action(
        IAM,
        "GenerateCredentialReport",
        GlobalWrite,
        OF_IAM,
        "null",
        r#"{"state":"STARTED","description":"No report exists. Starting a new report generation task"}"#,
        "",
    ),
    action(IAM, "GetCredentialReport", GlobalRead, OF_IAM, "null", "null", ""),
    action(
        IAM,
        "TagUser",
        GlobalWrite,
        OF_IAM,
        r#"{"userName":"<name>","tags":[{"key":"owner","value":"<name>"},{"key":"key","value":"<decoy>"}]}"#,
        "null",
        "",
    ),
    action("organizations.amazonaws.com", "DescribeOrganization", GlobalRead, OF_OTHERS, "null", "null", ""),
    action(
        "ce.amazonaws.com",
        "GetCostAndUsage",
        GlobalRead,
        OF_OTHERS,
        r#"{"timePeriod":{"start":"2026-09-01","end":"2026-10-01"},"granularity":"MONTHLY","metrics":["UnblendedCost"],"groupBy":[{"type":"DIMENSION","key":"SERVICE"}]}"#,
        "null",
        "",
    ),
    action(
        "athena.amazonaws.com",
        "StartQueryExecution",
        Write,
        OF_OTHERS,
        r#"{"queryString":"***OMITTED***","clientRequestToken":"<uuid>","resultConfiguration":{"outputLocation":"s3://<bucket>/<path>"},"workGroup":"primary"}"#,
        r#"{"queryExecutionId":"<uuid>"}"#,
        "",
    ),
    action(
        "config.amazonaws.com",
        "DescribeConfigRules",
        Read,
        OF_OTHERS,
        r#"{"configRuleNames":["<name>"]}"#,
        "null",
        "",
    ),
    action(
        "cloudtrail.amazonaws.com",
        "LookupEvents",
        Read,
        OF_OTHERS,
        r#"{"lookupAttributes":[{"attributeKey":"AccessKeyId","attributeValue":"<decoy>"}],"maxResults":50,"startTime":"<awsdate>"}"#,
        "null",
        "",
    ),
    action(
        "cloudtrail.amazonaws.com",
        "StopLogging",
        Write,
        OF_OTHERS,
        r#"{"name":"arn:aws:cloudtrail:<region>:<account>:trail/<name>"}"#,
        "null",
        "",
    ),
    action(
        "guardduty.amazonaws.com",
        "ListFindings",
        Read,
        OF_OTHERS,
        r#"{"detectorId":"<hex32>","maxResults":50,"findingCriteria":{"criterion":{"resource.accessKeyDetails.accessKeyId":{"eq":["<decoy>"]}}}}"#,
        "null",
        "",
    ),
];

/// What AWS services do of their own, with no key.
pub(crate) const SERVICE_ACTIONS: &[(Action, &str)] = &[
    (
        action(
            KMS,
            "GenerateDataKey",
            Read,
            OF_OTHERS,
            r#"{"keySpec":"AES_256","encryptionContext":{"aws:cloudtrail:arn":"arn:aws:cloudtrail:<region>:<account>:trail/<name>","aws:s3:arn":"arn:aws:s3:::<bucket>/<path>"},"keyId":"arn:aws:kms:<region>:<account>:key/<uuid>"}"#,
            "null",
            KMS_MORE,
        ),
        "cloudtrail.amazonaws.com",
    ),
    (action(S3, "PutObject", DataWrite, OF_S3, S3_REQUEST, "null", S3_MORE), "delivery.logs.amazonaws.com"),
    (action(S3, "GetBucketAcl", Read, OF_S3, S3_BUCKET, "null", S3_BUCKET_MORE), "cloudtrail.amazonaws.com"),
    (
        action(
            KMS,
            "Decrypt",
            Read,
            OF_OTHERS,
            r#"{"encryptionContext":{"aws:lambda:FunctionArn":"arn:aws:lambda:<region>:<account>:function:<name>"},"encryptionAlgorithm":"SYMMETRIC_DEFAULT"}"#,
            "null",
            KMS_MORE,
        ),
        "lambda.amazonaws.com",
    ),
    (
        action(EC2, "DescribeNetworkInterfaces", Read, OF_EC2, EC2_LIST, "null", ""),
        "elasticloadbalancing.amazonaws.com",
    ),
    (
        action(
            SQS,
            "ReceiveMessage",
            DataRead,
            OF_OTHERS,
            r#"{"queueUrl":"https://sqs.<region>.amazonaws.com/<account>/<name>","maxNumberOfMessages":10}"#,
            "null",
            "",
        ),
        "lambda.amazonaws.com",
    ),
];
