//! The services that applications call: just enough of S3, DynamoDB, SQS and EC2 to be allowed or refused.

use crate::api::{Fault, Service, Tree};
use crate::world::World;
use crate::world::account::Call;

/// Does one call: it was authenticated and authorized, and that is all there is to it.
pub(crate) fn handle(world: &World, call: &Call<'_>) -> Result<Tree, Fault> {
    match (call.service(), call.action()) {
        (Service::S3, "ListBuckets") => {
            let account = world.account(call);
            let bucket = Tree::map([
                ("Name", format!("data-{}", account.id).into()),
                ("CreationDate", account.created_at.into()),
            ]);
            let owner =
                Tree::map([("ID", account.id.to_string().into()), ("DisplayName", (&account.name).into())]);
            Ok(Tree::map([("Buckets", Tree::List(vec![bucket])), ("Owner", owner)]))
        }
        (Service::S3, "GetObject") => {
            call.parameters.required("Bucket")?;
            call.parameters.required("Key")?;
            Ok(Tree::map([("Body", "simulated".into()), ("ContentLength", 9.into())]))
        }
        (Service::DynamoDb, "GetItem") => {
            call.parameters.required("TableName")?;
            Ok(Tree::empty())
        }
        (Service::DynamoDb, "ListTables") => Ok(Tree::map([("TableNames", Tree::List(Vec::new()))])),
        (Service::Sqs, "ReceiveMessage") => {
            call.parameters.required("QueueUrl")?;
            Ok(Tree::empty())
        }
        (Service::Sqs, "ListQueues") => Ok(Tree::empty()),
        (Service::Ec2, "DescribeRegions") => {
            let region = Tree::map([("regionName", call.request.region.as_str().into())]);
            Ok(Tree::map([("regionInfo", Tree::List(vec![region]))]))
        }
        (Service::Ec2, "DescribeInstances") => Ok(Tree::map([("reservationSet", Tree::List(Vec::new()))])),
        (service, action) => Err(Fault::unknown_operation(service, action)),
    }
}

/// Whether the call is a data event, which a trail does not record unless it is told to.
pub(crate) fn is_data_event(call: &Call<'_>) -> bool {
    matches!(
        (call.service(), call.action()),
        (Service::S3, "GetObject") | (Service::DynamoDb, "GetItem") | (Service::Sqs, "ReceiveMessage")
    )
}

/// The ARN of what the call acts on.
pub(crate) fn resource(call: &Call<'_>) -> String {
    let (region, account) = (&call.request.region, call.caller.account_id);
    let named = |member| call.parameters.text(member).unwrap_or_default();
    match (call.service(), call.action()) {
        (Service::S3, "GetObject") => format!("arn:aws:s3:::{}/{}", named("Bucket"), named("Key")),
        (Service::DynamoDb, "GetItem") => {
            format!("arn:aws:dynamodb:{region}:{account}:table/{}", named("TableName"))
        }
        (Service::Sqs, "ReceiveMessage") => {
            let name = named("QueueUrl").rsplit('/').next().unwrap_or_default();
            format!("arn:aws:sqs:{region}:{account}:{name}")
        }
        _ => "*".to_owned(),
    }
}
