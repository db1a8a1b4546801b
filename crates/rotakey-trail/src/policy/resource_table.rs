//! Which part of a record names the resource of an action.
//!
//! From the resource types of the service authorization reference: an action stands here if one resource of that
//! type, as the record names it, is all that must be granted. Actions that also want a second resource, that take
//! none, or that are not here are granted on `*`, and told. Amazon S3 has its own rules in `resource`.

/// Where the name of a resource is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Named {
    /// In the `resources` of the record, with that type.
    Listed(&'static str),
    /// In that parameter of the request: an ARN, or a name that is put into the templates. Several templates
    /// if the name does not tell which of them it is.
    Parameter(&'static str, &'static [&'static str]),
    /// In that parameter of the request there is a list of such names.
    Parameters(&'static str, &'static [&'static str]),
}

/// Actions of one service whose resource is named in one of those places; the first place counts that is there.
pub(super) struct Rule {
    pub(super) prefix: &'static str,
    /// Their names, with spaces between them.
    pub(super) actions: &'static str,
    pub(super) named: &'static [Named],
}

use Named::{Listed, Parameter, Parameters};

const USER: &[&str] = &["arn:{p}:iam::{a}:user/{}", "arn:{p}:iam::{a}:user/*/{}"];
const ROLE: &[&str] = &["arn:{p}:iam::{a}:role/{}", "arn:{p}:iam::{a}:role/*/{}"];
const GROUP: &[&str] = &["arn:{p}:iam::{a}:group/{}", "arn:{p}:iam::{a}:group/*/{}"];
const TABLE: &[&str] = &["arn:{p}:dynamodb:{r}:{a}:table/{}"];
const FUNCTION: &[&str] = &["arn:{p}:lambda:{r}:{a}:function:{}", "arn:{p}:lambda:{r}:{a}:function:{}:*"];
const LOG_GROUP: &[&str] = &["arn:{p}:logs:{r}:{a}:log-group:{}", "arn:{p}:logs:{r}:{a}:log-group:{}:*"];
const SECRET: &[&str] = &["arn:{p}:secretsmanager:{r}:{a}:secret:{}-??????"];
const PARAMETER: &[&str] = &["arn:{p}:ssm:{r}:{a}:parameter/{}"];
const REPOSITORY: &[&str] = &["arn:{p}:ecr:{r}:{a}:repository/{}"];
const STREAM: &[&str] = &["arn:{p}:kinesis:{r}:{a}:stream/{}"];
const STACK: &[&str] = &["arn:{p}:cloudformation:{r}:{a}:stack/{}/*"];

pub(super) const RULES: &[Rule] = &[
    Rule {
        prefix: "cloudformation",
        actions: "CancelUpdateStack ContinueUpdateRollback CreateChangeSet CreateStack DeleteChangeSet \
            DeleteStack DescribeChangeSet DescribeStackEvents DescribeStackResource \
            DescribeStackResources DescribeStacks DetectStackDrift ExecuteChangeSet GetStackPolicy \
            GetTemplate ListChangeSets ListStackResources SetStackPolicy UpdateStack \
            UpdateTerminationProtection",
        named: &[Parameter("stackName", STACK)],
    },
    Rule {
        // An index is a resource of its own: see `resource`.
        prefix: "dynamodb",
        actions: "BatchGetItem BatchWriteItem ConditionCheckItem CreateTable DeleteItem DeleteTable \
            DescribeContinuousBackups DescribeKinesisStreamingDestination DescribeTable \
            DescribeTimeToLive GetItem PartiQLDelete PartiQLInsert PartiQLSelect PartiQLUpdate PutItem \
            Query Scan UpdateContinuousBackups UpdateItem UpdateTable UpdateTimeToLive",
        named: &[Listed("AWS::DynamoDB::Table"), Parameter("tableName", TABLE)],
    },
    Rule {
        prefix: "ecr",
        actions: "BatchCheckLayerAvailability BatchDeleteImage BatchGetImage CompleteLayerUpload \
            CreateRepository DeleteLifecyclePolicy DeleteRepository DeleteRepositoryPolicy \
            DescribeImageScanFindings DescribeImages GetDownloadUrlForLayer GetLifecyclePolicy \
            GetRepositoryPolicy InitiateLayerUpload ListImages PutImage \
            PutImageScanningConfiguration PutImageTagMutability PutLifecyclePolicy \
            SetRepositoryPolicy StartImageScan UploadLayerPart",
        named: &[Parameter("repositoryName", REPOSITORY)],
    },
    Rule {
        prefix: "ecr",
        actions: "DescribeRepositories",
        named: &[Parameters("repositoryNames", REPOSITORY)],
    },
    Rule {
        prefix: "firehose",
        actions: "CreateDeliveryStream DeleteDeliveryStream DescribeDeliveryStream PutRecord \
            PutRecordBatch UpdateDestination",
        named: &[Parameter("deliveryStreamName", &["arn:{p}:firehose:{r}:{a}:deliverystream/{}"])],
    },
    Rule {
        prefix: "iam",
        actions: "AttachUserPolicy CreateAccessKey CreateLoginProfile CreateServiceSpecificCredential \
            CreateUser DeactivateMFADevice DeleteAccessKey DeleteLoginProfile DeleteSSHPublicKey \
            DeleteSigningCertificate DeleteUser DeleteUserPermissionsBoundary DeleteUserPolicy \
            DetachUserPolicy EnableMFADevice GetLoginProfile GetUser GetUserPolicy ListAccessKeys \
            ListAttachedUserPolicies ListGroupsForUser ListMFADevices ListSSHPublicKeys \
            ListSigningCertificates ListUserPolicies ListUserTags PutUserPermissionsBoundary \
            PutUserPolicy TagUser UntagUser UpdateAccessKey UpdateLoginProfile",
        named: &[Parameter("userName", USER)],
    },
    Rule {
        prefix: "iam",
        actions: "AttachRolePolicy CreateRole DeleteRole DeleteRolePermissionsBoundary DeleteRolePolicy \
            DetachRolePolicy GetRole GetRolePolicy ListAttachedRolePolicies \
            ListInstanceProfilesForRole ListRolePolicies ListRoleTags PutRolePermissionsBoundary \
            PutRolePolicy TagRole UntagRole UpdateAssumeRolePolicy UpdateRole UpdateRoleDescription",
        named: &[Parameter("roleName", ROLE)],
    },
    Rule {
        prefix: "iam",
        actions: "AddUserToGroup AttachGroupPolicy CreateGroup DeleteGroup DeleteGroupPolicy \
            DetachGroupPolicy GetGroup GetGroupPolicy ListAttachedGroupPolicies ListGroupPolicies \
            PutGroupPolicy RemoveUserFromGroup",
        named: &[Parameter("groupName", GROUP)],
    },
    Rule {
        prefix: "iam",
        actions: "CreatePolicyVersion DeletePolicy DeletePolicyVersion GetPolicy GetPolicyVersion \
            ListEntitiesForPolicy ListPolicyVersions SetDefaultPolicyVersion TagPolicy UntagPolicy",
        named: &[Parameter("policyArn", &[])],
    },
    Rule {
        prefix: "kinesis",
        actions: "AddTagsToStream CreateStream DeleteStream DescribeStream DescribeStreamSummary \
            GetRecords GetShardIterator IncreaseStreamRetentionPeriod ListShards PutRecord \
            PutRecords",
        named: &[Parameter("streamARN", &[]), Parameter("streamName", STREAM)],
    },
    Rule {
        prefix: "kms",
        actions: "CancelKeyDeletion CreateGrant Decrypt DescribeKey DisableKey DisableKeyRotation \
            EnableKey EnableKeyRotation Encrypt GenerateDataKey GenerateDataKeyPair \
            GenerateDataKeyPairWithoutPlaintext GenerateDataKeyWithoutPlaintext GenerateMac \
            GetKeyPolicy GetKeyRotationStatus GetPublicKey ListGrants ListKeyPolicies \
            ListResourceTags PutKeyPolicy ReEncryptFrom ReEncryptTo RevokeGrant ScheduleKeyDeletion \
            Sign TagResource UntagResource UpdateKeyDescription Verify VerifyMac",
        named: &[Listed("AWS::KMS::Key")],
    },
    Rule {
        prefix: "lambda",
        actions: "AddPermission CreateAlias CreateFunction DeleteAlias DeleteFunction \
            DeleteFunctionConcurrency GetAlias GetFunction GetFunctionConcurrency \
            GetFunctionConfiguration GetPolicy InvokeAsync InvokeFunction ListAliases \
            ListVersionsByFunction PublishVersion PutFunctionConcurrency RemovePermission \
            UpdateAlias UpdateFunctionCode UpdateFunctionConfiguration",
        named: &[Listed("AWS::Lambda::Function"), Parameter("functionName", FUNCTION)],
    },
    Rule {
        prefix: "logs",
        actions: "CreateLogGroup CreateLogStream DeleteLogGroup DeleteLogStream DeleteMetricFilter \
            DeleteRetentionPolicy DeleteSubscriptionFilter DescribeLogStreams \
            DescribeSubscriptionFilters FilterLogEvents GetLogEvents PutLogEvents PutMetricFilter \
            PutRetentionPolicy",
        named: &[Parameter("logGroupName", LOG_GROUP)],
    },
    Rule {
        prefix: "secretsmanager",
        actions: "CancelRotateSecret DeleteResourcePolicy DeleteSecret DescribeSecret GetResourcePolicy \
            GetSecretValue ListSecretVersionIds PutResourcePolicy PutSecretValue RestoreSecret \
            RotateSecret TagResource UntagResource UpdateSecret UpdateSecretVersionStage",
        named: &[Parameter("secretId", SECRET)],
    },
    Rule { prefix: "secretsmanager", actions: "CreateSecret", named: &[Parameter("name", SECRET)] },
    Rule {
        prefix: "sns",
        actions: "AddPermission ConfirmSubscription DeleteTopic GetTopicAttributes \
            ListSubscriptionsByTopic Publish RemovePermission SetTopicAttributes Subscribe",
        named: &[Parameter("topicArn", &[])],
    },
    Rule { prefix: "sns", actions: "CreateTopic", named: &[Parameter("name", &["arn:{p}:sns:{r}:{a}:{}"])] },
    Rule {
        prefix: "sqs",
        actions: "AddPermission ChangeMessageVisibility DeleteMessage DeleteQueue GetQueueAttributes \
            ListDeadLetterSourceQueues ListQueueTags PurgeQueue ReceiveMessage RemovePermission \
            SendMessage SetQueueAttributes TagQueue UntagQueue",
        named: &[Listed("AWS::SQS::Queue"), Parameter("queueUrl", &[])],
    },
    Rule {
        prefix: "sqs",
        actions: "CreateQueue GetQueueUrl",
        named: &[Parameter("queueName", &["arn:{p}:sqs:{r}:{a}:{}"])],
    },
    Rule {
        prefix: "ssm",
        actions: "DeleteParameter GetParameter GetParameterHistory LabelParameterVersion PutParameter",
        named: &[Parameter("name", PARAMETER)],
    },
    Rule {
        prefix: "ssm",
        actions: "DeleteParameters GetParameters",
        named: &[Parameters("names", PARAMETER)],
    },
    Rule {
        prefix: "ssm",
        actions: "GetParametersByPath",
        named: &[Parameter(
            "path",
            &["arn:{p}:ssm:{r}:{a}:parameter/{}", "arn:{p}:ssm:{r}:{a}:parameter/{}/*"],
        )],
    },
    Rule {
        prefix: "states",
        actions: "DeleteStateMachine DescribeStateMachine StartExecution StartSyncExecution \
            UpdateStateMachine",
        named: &[Parameter("stateMachineArn", &[])],
    },
    Rule {
        prefix: "states",
        actions: "GetExecutionHistory StopExecution",
        named: &[Parameter("executionArn", &[])],
    },
    Rule {
        prefix: "sts",
        actions: "AssumeRole SetSourceIdentity TagSession",
        named: &[Parameter("roleArn", &[])],
    },
    Rule {
        prefix: "sts",
        actions: "GetFederationToken",
        named: &[Parameter("name", &["arn:{p}:sts::{a}:federated-user/{}"])],
    },
];

/// Actions on S3 objects: their resource is the object. All actions with a bucket that are not here have the
/// bucket for their resource.
pub(super) const OBJECT_ACTIONS: &str = "\
    AbortMultipartUpload BypassGovernanceRetention DeleteObject DeleteObjectTagging \
    DeleteObjectVersion DeleteObjectVersionTagging GetObject GetObjectAcl \
    GetObjectAttributes GetObjectLegalHold GetObjectRetention GetObjectTagging \
    GetObjectTorrent GetObjectVersion GetObjectVersionAcl GetObjectVersionAttributes \
    GetObjectVersionTagging ListMultipartUploadParts PutObject PutObjectAcl \
    PutObjectLegalHold PutObjectRetention PutObjectTagging PutObjectVersionAcl \
    PutObjectVersionTagging RestoreObject";

/// Actions on S3 buckets, by what they begin with.
pub(super) const BUCKET_ACTIONS: &str = "\
    CreateBucket DeleteBucket GetAccelerateConfiguration GetAnalyticsConfiguration \
    GetBucket GetEncryptionConfiguration GetIntelligentTieringConfiguration GetInventoryConfiguration \
    GetLifecycleConfiguration GetMetricsConfiguration GetReplicationConfiguration ListBucket \
    PutAccelerateConfiguration PutAnalyticsConfiguration PutBucket PutEncryptionConfiguration \
    PutIntelligentTieringConfiguration PutInventoryConfiguration PutLifecycleConfiguration PutMetricsConfiguration \
    PutReplicationConfiguration";
