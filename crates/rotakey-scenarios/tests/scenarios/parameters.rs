//! Parameter Store: encrypted parameters.

use aws_sdk_ssm::types::ParameterType;

use crate::cloud::Cloud;
use crate::outcome::outcome;
use crate::report::Report;

pub(crate) async fn secure_string(cloud: &Cloud, report: &mut Report) {
    let ssm = cloud.ssm();
    let put =
        |value: &str| ssm.put_parameter().name("/app/key").value(value).r#type(ParameterType::SecureString);
    report.check("written", "ok", outcome(&put("one").send().await));
    report.check("written again", "ParameterAlreadyExists 400", outcome(&put("two").send().await));
    let overwritten = put("two").overwrite(true).send().await.unwrap();
    report.check("the version after an overwrite", 2, overwritten.version());

    let read = async |name: &str, decrypted: bool| {
        let read = ssm.get_parameter().name(name).with_decryption(decrypted).send().await;
        match &read {
            Ok(read) => {
                read.parameter().and_then(|parameter| parameter.value()).unwrap_or("nothing").to_owned()
            }
            Err(_) => outcome(&read),
        }
    };
    report.check("read with decryption", "two", read("/app/key", true).await);
    let sealed = read("/app/key", false).await;
    report.check("read without decryption shows the value", false, sealed.contains("two"));
    report.check("a parameter that does not exist", "ParameterNotFound 400", read("/app/none", true).await);
}
