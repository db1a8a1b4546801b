use proptest::prelude::*;

use super::*;

/// What is read from it, in one line.
fn read(user_agent: &str) -> String {
    let agent = Agent::parse(user_agent);
    let mut line = format!("{} {}", agent.family, agent.version.as_deref().unwrap_or("-"));
    let details = [
        (
            "in",
            agent.runtime.map(|name| format!("{name} {}", agent.runtime_version.as_deref().unwrap_or("-"))),
        ),
        ("env", agent.execution_environment),
        ("os", agent.operating_system),
        ("app", agent.application),
        ("by", (!agent.credential_sources.is_empty()).then(|| agent.credential_sources.join(", "))),
        ("text", agent.text),
    ];
    for (name, value) in details.iter().filter_map(|(name, value)| Some((name, value.as_ref()?))) {
        line += &format!(" | {name}: {value}");
    }
    line
}

fn check(cases: &[(&str, &str)]) {
    for (user_agent, expected) in cases {
        assert_eq!(read(user_agent), *expected, "{user_agent}");
    }
}

#[test]
fn the_command_line_interface_of_all_ages() {
    check(&[
        (
            "aws-cli/1.18.69 Python/3.8.10 Linux/5.4.0-1040-azure botocore/1.16.19",
            "aws-cli 1.18.69 | in: python 3.8.10 | os: linux 5.4.0-1040-azure",
        ),
        (
            "[aws-cli/2.0.30 Python/3.7.7 Windows/10 botocore/2.0.0dev34]",
            "aws-cli 2.0.30 | in: python 3.7.7 | os: windows 10",
        ),
        (
            "aws-cli/2.13.5 Python/3.11.4 Linux/4.14.255-314-253.539.amzn2.x86_64 exec-env/CloudShell \
             exe/x86_64.amzn.2 prompt/off command/cloudtrail.start-logging",
            "aws-cli 2.13.5 | in: python 3.11.4 | env: CloudShell | os: linux 4.14.255-314-253.539.amzn2.x86_64",
        ),
        (
            "aws-cli/2.32.0 md/awscrt#0.28.4 ua/2.1 os/macos#24.6.0 md/arch#arm64 lang/python#3.13.9 \
             md/pyimpl#CPython m/b,AD,Z,E cfg/retry-mode#standard md/installer#exe sid/35033f4ca1bd md/prompt#off \
             md/command#s3.cp",
            "aws-cli 2.32.0 | in: python 3.13.9 | os: macos 24.6.0 | by: login",
        ),
    ]);
}

#[test]
fn the_sdks() {
    check(&[
        (
            "Boto3/1.17.101 Python/3.8.10 Linux/4.14.231-180.360.amzn2.x86_64 exec-env/AWS_Lambda_python3.8 \
             Botocore/1.20.102",
            "Boto3 1.17.101 | in: python 3.8.10 | env: AWS_Lambda_python3.8 | os: linux 4.14.231-180.360.amzn2.x86_64",
        ),
        (
            "Boto3/1.42.69 md/Botocore#1.42.69 ua/2.1 os/linux#6.8.0 md/arch#x86_64 lang/python#3.12.13 \
             md/pyimpl#CPython m/E,n,Z,i cfg/retry-mode#standard app/billing-export Botocore/1.42.69",
            "Boto3 1.42.69 | in: python 3.12.13 | os: linux 6.8.0 | app: billing-export | by: assume-role, profile",
        ),
        ("Boto/2.49.0 Python/2.7.18 Linux/4.15", "boto2 2.49.0 | in: python 2.7.18 | os: linux 4.15"),
        ("aws-sdk-go/1.44.221 (go1.19.6; linux; amd64)", "aws-sdk-go 1.44.221 | in: go 1.19.6 | os: linux"),
        (
            "aws-sdk-go-v2/1.36.3 ua/2.1 os/linux lang/go#1.24.1 md/GOOS#linux md/GOARCH#arm64 \
             exec-env/AWS_Lambda_Image api/sts#1.33.17 m/g",
            "aws-sdk-go-v2 1.36.3 | in: go 1.24.1 | env: AWS_Lambda_Image | os: linux | by: environment",
        ),
        (
            "aws-sdk-go-v2/1.18.0 os/linux lang/go/1.19.8 md/GOOS/linux md/GOARCH/amd64 api/lambda/1.34.1",
            "aws-sdk-go-v2 1.18.0 | in: go 1.19.8 | os: linux",
        ),
        (
            "NiFi, aws-sdk-java/1.12.710 Linux/6.5.0-44-generic OpenJDK_64-Bit_Server_VM/21.0.3+9 java/21.0.3 \
             kotlin/1.9.23 vendor/Ubuntu cfg/retry-mode/legacy cfg/auth-source#prof",
            "aws-sdk-java 1.12.710 | in: java 21.0.3 | os: linux 6.5.0-44-generic | app: NiFi | by: profile",
        ),
        (
            "aws-sdk-java/2.34.3 md/io#sync md/http#Apache ua/2.1 api/Some#2.34.x os/Linux#5.10.242 lang/java#17.0.16 \
             md/OpenJDK_64-Bit_Server_VM#17.0.16+8-LTS md/kotlin/2.0.21-release-482 cfg/auth-source#stsrole m/D,N,0",
            "aws-sdk-java 2.34.3 | in: java 17.0.16 | os: linux 5.10.242 | by: assume-role, imds",
        ),
        (
            "aws-sdk-nodejs/2.1083.0 linux/v16.15.0 exec-env/AWS_Lambda_nodejs16.x promise",
            "aws-sdk-js 2.1083.0 | in: nodejs 16.15.0 | env: AWS_Lambda_nodejs16.x | os: linux",
        ),
        (
            "aws-sdk-js/3.632.0 ua/2.0 os/linux#5.10.227 lang/js md/nodejs#20.18.0 api/connect#3.632.0 \
             exec-env/AWS_Lambda_nodejs20.x",
            "aws-sdk-js 3.632.0 | in: nodejs 20.18.0 | env: AWS_Lambda_nodejs20.x | os: linux 5.10.227",
        ),
        (
            "aws-sdk-dotnet-coreclr/3.7.101.44 aws-sdk-dotnet-core/3.7.103.6 .NET_Core/6.0.11 \
             OS/Microsoft_Windows_10.0.22000 ClientAsync",
            "aws-sdk-dotnet 3.7.101.44 | in: dotnet 6.0.11 | os: microsoft_windows_10.0.22000",
        ),
        (
            "aws-sdk-rust/1.3.14 os/linux lang/rust/1.94.1 aws-secrets-manager-agent/2.0.0",
            "aws-sdk-rust 1.3.14 | in: rust 1.94.1 | os: linux",
        ),
        (
            "aws-sdk-ruby3/3.190.0 md/internal ua/2.0 api/xray#1.0.0 os/linux md/x86_64 lang/ruby#2.7.8 md/2.7.8",
            "aws-sdk-ruby 3.190.0 | in: ruby 2.7.8 | os: linux",
        ),
        (
            "aws-sdk-ruby2/2.0.0.rc4 ruby/1.9.3 x86_64-linux Seahorse/0.1.0",
            "aws-sdk-ruby 2.0.0.rc4 | in: ruby 1.9.3",
        ),
        (
            "aws-sdk-php/3.208.10 OS/Linux/5.4 lang/php/8.1.2 GuzzleHttp/7",
            "aws-sdk-php 3.208.10 | in: php 8.1.2 | os: linux 5.4",
        ),
        (
            "aws-sdk-cpp/1.11.5 ua/2.1 api/S3 os/Linux#6.1 md/arch#x86_64 lang/c++#C++11 md/GCC#11.4.0 m/D,z",
            "aws-sdk-cpp 1.11.5 | in: c++ C++11 | os: linux 6.1 | by: container-http",
        ),
        (
            "aws-sdk-kotlin/1.0.0 ua/2.1 api/s3#1.0.0 os/linux#5.4 lang/kotlin#1.9",
            "aws-sdk-kotlin 1.0.0 | in: kotlin 1.9 | os: linux 5.4",
        ),
        (
            "aws-sdk-swift/1.0.0 ua/2.1 api/s3#1.0.0 os/macos#14 lang/swift#6.0",
            "aws-sdk-swift 1.0.0 | in: swift 6.0 | os: macos 14",
        ),
    ]);
}

#[test]
fn a_tool_is_told_and_not_the_sdk_that_it_uses() {
    check(&[
        (
            "APN/1.0 HashiCorp/1.0 Terraform/1.5.6 (+https://www.terraform.io) terraform-provider-aws/4.67.0 \
             (+https://registry.terraform.io/providers/hashicorp/aws) aws-sdk-go/1.44.261 (go1.19.8; freebsd; amd64)",
            "Terraform 1.5.6 | in: go 1.19.8 | os: freebsd",
        ),
        (
            "aws-sdk-go/1.20.4 (go1.12.5; darwin; amd64) APN/1.0 HashiCorp/1.0 Terraform/0.12.2",
            "Terraform 0.12.2 | in: go 1.12.5 | os: macos",
        ),
        (
            "APN/1.0 HashiCorp/1.0 Terraform/1.5.7 terraform-provider-aws/6.14.1 aws-sdk-go-v2/1.39.0 ua/2.1 os/macos \
             lang/go#1.24.6 md/GOOS#darwin md/GOARCH#amd64 api/iam#1.47.5 m/i",
            "Terraform 1.5.7 | in: go 1.24.6 | os: macos | by: assume-role",
        ),
        ("APN/1.0 OpenTofu/1.0 OpenTofu/1.6.2", "OpenTofu 1.6.2"),
        ("APN/1.0 Pulumi/1.0 PulumiAwsNative/1.12 aws-sdk-go-v2/1.30", "Pulumi 1.0"),
        (
            "APN/1.0 HashiCorp/1.0 Terraform/1.1.2 aws-sdk-go/1.44.157 (go1.19.3; linux; amd64) \
             stratus-red-team_06a62bf9-ef89-43a1-a17b-5234dcbf4cb4 HashiCorp-terraform-exec/0.17.3",
            "stratus-red-team - | in: go 1.19.3 | os: linux",
        ),
        ("[stratus-red-team_0362e208-cc47-4ba7-9c39-195518d6e937]", "stratus-red-team -"),
        (
            "aws-sdk-go-v2/1.32.3 os/linux lang/go#1.23.1 exec-env/grimoire_095724e3-1fa0-4e3e-b68a-e8581d194380",
            "grimoire - | in: go 1.23.1 | env: grimoire_095724e3-1fa0-4e3e-b68a-e8581d194380 | os: linux",
        ),
        ("Boto3/1.34.0 md/Botocore#1.34.0 lang/python#3.12 APN_1826889", "Prowler - | in: python 3.12"),
        ("eksctl/0.115.0 aws-sdk-go-v2/1.16", "eksctl 0.115.0"),
        ("configure-aws-credentials-for-github-actions aws-sdk-nodejs/2.1", "configure-aws-credentials -"),
        ("kubectl/v1.29.2 (darwin/arm64) kubernetes/4b8e819", "kubectl v1.29.2"),
        ("rclone/v1.60.1", "rclone v1.60.1"),
    ]);
}

#[test]
fn the_inside_of_aws_is_not_taken_for_the_system_of_the_user() {
    check(&[
        ("AWS Internal", "AWS Internal -"),
        ("cloudformation.amazonaws.com", "cloudformation.amazonaws.com -"),
        ("console.amazonaws.com", "console -"),
        ("signin.amazonaws.com", "console -"),
        ("[S3Console/0.4]", "console - | app: S3Console"),
        (
            "[S3Console/0.4, aws-internal/3 aws-sdk-java/1.11.590 Linux/4.9.152 OpenJDK/25.212-b03 java/1.8.0_212]",
            "console - | app: S3Console",
        ),
        (
            "RDS Console, aws-internal/3 aws-sdk-java/1.11.975 Linux/5.10.184 java/1.8.0_242",
            "console - | app: RDS Console",
        ),
        ("aws-internal/3 aws-sdk-java/1.12.1 Linux/5.10", "AWS Internal -"),
    ]);
}

#[test]
fn others_go_by_their_first_word_and_keep_what_else_they_say() {
    check(&[
        ("Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0", "browser Firefox 115.0"),
        (
            "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/118.0.0.0 Safari/537.36",
            "browser Chrome 118.0.0.0",
        ),
        ("[curl/7.81.0]", "curl 7.81.0"),
        ("[python-requests/2.31.0]", "python-requests 2.31.0"),
        ("Go-http-client/1.1", "Go-http-client 1.1"),
        ("backup job 7 of Anna", "backup - | text: backup job 7 of Anna"),
        ("68319f60-9dec-43b2-9702-de3a08c9d8a3", "unnamed - | text: 68319f60-9dec-43b2-9702-de3a08c9d8a3"),
        ("", "unnamed -"),
        ("evil\u{1b}[31m/1", "evil\u{1b}[31m 1"),
        // Not of AWS, whatever it says.
        ("x y.amazonaws.com", "x - | text: x y.amazonaws.com"),
    ]);
}

#[test]
fn an_upgrade_does_not_make_another_consumer() {
    let same = |before: &str, after: &str| {
        assert_eq!(
            Agent::parse(before).without_versions(),
            Agent::parse(after).without_versions(),
            "{before}"
        );
    };
    same(
        "Boto3/1.17.101 Python/3.8.10 Linux/4.14 exec-env/AWS_Lambda_python3.8 Botocore/1.20.102",
        "Boto3/1.42.69 md/Botocore#1.42.69 ua/2.1 os/linux#6.8.0 lang/python#3.12.13 m/E,n \
         exec-env/AWS_Lambda_python3.12 Botocore/1.42.69",
    );
    same("aws-sdk-go-v2/1 app/billing-1.2.3", "aws-sdk-go-v2/2 app/billing-1.3.0");
    same("[S3Console/0.4]", "console.amazonaws.com");
    same(
        "x/1 exec-env/grimoire_095724e3-1fa0-4e3e-b68a-e8581d194380",
        "x/1 exec-env/grimoire_195724e3-1fa0-4e3e-b68a-e8581d194381",
    );
    let agent = |text: &str| Agent::parse(text).without_versions().to_string();
    assert_eq!(agent("Boto3/1.17 Python/3.8 exec-env/AWS_ECS_EC2 app/x"), "Boto3 python AWS_ECS_EC2 x");
    assert_eq!(agent("backup job 7 of Anna"), "backup");
}

#[test]
fn an_agent_is_read_back_as_it_was_written() {
    let agent = Agent::parse("Boto3/1.42.69 os/linux#6 lang/python#3.12 m/n app/x");
    let json = serde_json::to_string(&agent).unwrap();
    insta::assert_snapshot!(json, @r#"{"family":"Boto3","version":"1.42.69","runtime":"python","runtime_version":"3.12","operating_system":"linux 6","application":"x","credential_sources":["profile"]}"#);
    assert_eq!(serde_json::from_str::<Agent>(&json).unwrap(), agent);
    assert_eq!(serde_json::from_str::<Agent>(r#"{"family": "x"}"#).unwrap().family, "x");
}

proptest! {
    #[test]
    fn any_text_is_read_into_bounded_parts(
        text in prop_oneof![
            any::<String>(),
            "\\PC{0,100}",
            proptest::collection::vec(prop_oneof![
                Just("m/"), Just("exec-env/"), Just("app/"), Just("aws-internal/"), Just("lang/"), Just("os/"), Just("#"),
                Just(" "), Just("("), Just(")"), Just(";"), Just(", aws-sdk-java/"), Just("go1"), Just("é\u{7}"), Just("[")
            ], 0..60).prop_map(|parts| parts.concat()),
        ],
        times in prop_oneof![Just(1), Just(500)],
    ) {
        let agent = Agent::parse(&text.repeat(times));
        prop_assert!(!agent.family.is_empty());
        let parts = [
            Some(&agent.family), agent.version.as_ref(), agent.runtime.as_ref(), agent.runtime_version.as_ref(),
            agent.execution_environment.as_ref(), agent.operating_system.as_ref(), agent.application.as_ref(),
        ];
        prop_assert!(parts.iter().flatten().all(|part| part.len() <= MOST_PART && !part.is_empty()));
        prop_assert!(agent.text.as_ref().is_none_or(|text| text.len() <= MOST_TEXT));
        let same = agent.without_versions();
        prop_assert_eq!(same.without_versions(), same.clone());
        prop_assert_eq!((same.version, same.text, same.operating_system), (None, None, None));
    }

    #[test]
    fn versions_do_not_change_the_consumer(a in "[0-9]{1,3}(\\.[0-9]{1,3}){1,2}", b in "[0-9]{1,3}(\\.[0-9]{1,3}){1,2}") {
        let agent = |version: &str| {
            Agent::parse(&format!(
                "aws-sdk-x/{version} os/linux#{version} lang/x#{version} exec-env/AWS_Lambda_x{version} app/a-{version}"
            ))
        };
        prop_assert_eq!(agent(&a).without_versions(), agent(&b).without_versions());
    }
}
