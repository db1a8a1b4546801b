//! User agents, as the clients of AWS write them.

use crate::random::{HEX, Random};

/// Forms; `#` stands for a number. `m/` tells, among others, how the client came to its credential.
const FORMS: &[&str] = &[
    "aws-cli/2.#.# md/awscrt#0.23.# ua/2.1 os/linux#5.10.#-#.amzn2.x86_64 md/arch#x86_64 lang/python#3.12.# md/pyimpl#CPython cfg/retry-mode#standard md/installer#exe md/prompt#off md/command#s3.cp m/G,n,E,b",
    "aws-cli/2.#.# md/awscrt#0.26.# ua/2.1 os/macos#24.#.# md/arch#arm64 lang/python#3.13.# md/pyimpl#CPython m/g,E,b,Z cfg/retry-mode#standard md/installer#source md/prompt#off md/command#sts.get-caller-identity",
    "aws-cli/1.#.# Python/3.8.# Linux/4.14.#-#.amzn2.x86_64 exec-env/AWS_ECS_FARGATE botocore/1.29.#",
    "Boto3/1.34.# md/Botocore#1.34.# ua/2.0 os/linux#6.1.# md/arch#x86_64 lang/python#3.11.# md/pyimpl#CPython cfg/retry-mode#legacy Botocore/1.34.#",
    "Boto3/1.42.# md/Botocore#1.42.# ua/2.1 os/linux#6.8.#-#-aws md/arch#aarch64 lang/python#3.13.# md/pyimpl#CPython exec-env/AWS_Lambda_python3.13 m/D,g,b,Z cfg/retry-mode#adaptive app/billing-export Botocore/1.42.#",
    "[Boto3/1.28.# Python/3.9.# Linux/5.10.#-#.amzn2.x86_64 exec-env/EC2 Botocore/1.31.# Resource]",
    "APN/1.0 HashiCorp/1.0 Terraform/1.9.# (+https://www.terraform.io) terraform-provider-aws/5.#.# (+https://registry.terraform.io/providers/hashicorp/aws) aws-sdk-go-v2/1.32.# ua/2.1 os/linux lang/go#1.23.# md/GOOS#linux md/GOARCH#amd64 api/ec2#1.#.# m/e,C,0",
    "APN/1.0 HashiCorp/1.0 Terraform/1.5.# (+https://www.terraform.io) terraform-provider-aws/4.#.# (+https://registry.terraform.io/providers/hashicorp/aws) aws-sdk-go/1.44.# (go1.19.#; linux; amd64)",
    "aws-sdk-go-v2/1.30.# os/linux lang/go#1.22.# md/GOOS#linux md/GOARCH#amd64 api/dynamodb#1.34.# m/E,g",
    "aws-sdk-go/1.55.# (go1.22.#; linux; amd64) amazon-ssm-agent/3.3.#.0",
    "aws-sdk-java/2.29.# md/io#sync md/http#Apache ua/2.1 os/Linux#5.10.#-#.amzn2.x86_64 lang/java#21.0.# md/OpenJDK_64-Bit_Server_VM#21.0.#+#-LTS md/vendor#Amazon.com_Inc. md/en_US exec-env/AWS_ECS_EC2 m/D,N,z",
    "aws-sdk-java/1.12.# Linux/4.14.#-#.amzn2.x86_64 OpenJDK_64-Bit_Server_VM/25.#-b08 java/1.8.0_# scala/2.12.# kotlin/1.6.# vendor/Amazon.com_Inc. cfg/retry-mode/legacy",
    "aws-sdk-js/3.#.0 ua/2.1 os/linux#6.1.# lang/js md/nodejs#20.#.# api/s3#3.#.0 exec-env/AWS_Lambda_nodejs20.x m/E,e,b",
    "aws-sdk-nodejs/2.#.0 linux/v16.#.0 exec-env/AWS_Lambda_nodejs16.x promise",
    "aws-sdk-rust/1.3.# ua/2.1 api/s3/1.#.# os/linux lang/rust/1.8#.0 m/E,g,b app/rotakey",
    "aws-sdk-ruby3/3.#.1 ua/2.0 api/s3#1.#.0 os/linux#5.15 md/x86_64 lang/ruby#3.2.# md/3.2.# cfg/retry-mode#legacy",
    "configure-aws-credentials-for-github-actions/v4.#.#",
    "console.amazonaws.com",
    "[S3Console/0.4, aws-internal/3 aws-sdk-java/1.11.# Linux/5.4.#-#.amzn2int.x86_64 OpenJDK_64-Bit_Server_VM/25.#-b10 java/1.8.0_# vendor/Oracle_Corporation]",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/13#.0.0.0 Safari/537.36",
    "AWS Internal",
    "stratus-red-team_@",
    "rclone/v1.6#.#",
    "Veeam-AWSConnect/6.# \"backup\" \\ proxy",
    "curl/8.#.#",
    "cyberduck/8.#.# (Mac OS X/14.#) (aarch64)",
];

/// Many user agents, of which the first are the most usual.
pub(crate) fn agents(seed: u64, count: usize) -> Vec<String> {
    let mut random = Random::of(&[seed, 0xA6E7]);
    let made = (0..count).map(|index| {
        let form = FORMS[if index < FORMS.len() { index } else { random.skewed(FORMS.len()) }];
        let mut text = String::new();
        for (index, character) in form.char_indices() {
            match character {
                '@' => random.uuid(&mut text),
                // `#` is also what separates a name from its version in what newer SDKs write.
                '#' if !form[..index].ends_with(|c: char| c.is_ascii_alphabetic()) => {
                    text.push_str(&random.below(40).to_string());
                }
                other => text.push(other),
            }
        }
        if text.starts_with("curl") {
            text.push(' ');
            random.text(6, HEX, &mut text);
        }
        text
    });
    made.collect()
}
