//! The text of one event, with what a reader should find in it.

use std::fmt::Write as _;

use crate::catalogue::{ACTIONS, Action, Kind, SERVICE_ACTIONS};
use crate::plan::{Change, FilePlan, Mint, Parent, Plan, Step, user_at};
use crate::random::{BASE64, Random};
use crate::template::{self, Context};
use crate::time::{self, DAY, HOUR};
use crate::trap::Trap;
use crate::truth::Facts;
use crate::world::{Habit, REGIONS, Session, User, World, day_start};

/// Writes events.
pub(crate) struct Writer<'a> {
    pub(crate) world: &'a World,
    pub(crate) plan: &'a Plan,
    /// Whether only what CloudTrail itself writes is written.
    pub(crate) is_delivered: bool,
}

/// Who calls.
enum Caller<'a> {
    User {
        user: &'a User,
        number: u32,
        key: String,
    },
    Session {
        session: Session,
        created: i64,
        parent: Parent,
    },
    Service(&'static str),
    /// A caller of another account, as the trail of the role sees it.
    Stranger(&'a User),
    Web,
    Root,
}

/// What is called.
struct Call<'a> {
    action: &'a Action,
    /// In place of what the action has.
    request: Option<String>,
    response: Option<String>,
    more: String,
    /// The session key that is given out.
    child: Option<Session>,
}

impl Writer<'_> {
    /// Appends the event of that place in that file.
    pub(crate) fn write(&self, file_number: u32, place: u32, text: &mut String, facts: &mut Facts) {
        let file = &self.plan.files[file_number as usize];
        let mut random = Random::of(&[self.world.seed, 5, u64::from(file_number), u64::from(place)]);
        let random = &mut random;
        let mut time = random.within(file.window.0..file.window.1);
        let late = random.per_mille(4);
        if late && file.day > 0 {
            time -= random.within(HOUR..20 * HOUR);
        }
        let mut place = place;
        if let Some(&mint) = file.mints.get(place as usize) {
            return self.mint(file, mint, random, text, facts);
        }
        place -= file.mints.len() as u32;
        let used = file.uses.last().map_or(0, |last| last.1);
        if place < used {
            let (number, _) = file.uses[file.uses.partition_point(|(_, end)| *end <= place)];
            let plan = self.plan.sessions[number as usize];
            let end_of_day = day_start(file.day + 1) - 1;
            let latest = (plan.created + HOUR).min(end_of_day);
            let time = random.within(plan.created..latest.max(plan.created + 1));
            let caller = self.session(number);
            return self.call(file, time, &caller, None, random, text, facts);
        }
        place -= used;
        if let Some(&(user, time)) = file.strikes.get(place as usize) {
            let caller = self.user(user, time, random);
            return self.call(file, time, &caller, None, random, text, facts);
        }
        place -= file.strikes.len() as u32;
        if let Some(&change) = file.changes.get(place as usize) {
            return self.change(file, change, random, text, facts);
        }
        place -= file.changes.len() as u32;
        if place < file.users {
            let day = (time - day_start(0)).div_euclid(DAY);
            let number = user_at(self.world, file.account, file.region, day, random);
            let caller = self.user(number, time, random);
            return self.call(file, time, &caller, None, random, text, facts);
        }
        self.service(file, time, random, text, facts);
    }

    fn user(&self, number: u32, time: i64, random: &mut Random) -> Caller<'_> {
        let user = &self.world.users[number as usize];
        let day = (time - day_start(0)).div_euclid(DAY);
        Caller::User { user, number, key: self.world.key(user, day, random) }
    }

    fn session(&self, number: u32) -> Caller<'_> {
        let plan = self.plan.sessions[number as usize];
        Caller::Session { session: self.world.session(number), created: plan.created, parent: plan.parent }
    }

    fn service(&self, file: &FilePlan, time: i64, random: &mut Random, text: &mut String, facts: &mut Facts) {
        if random.per_mille(25) {
            let call = Call {
                action: &CONSOLE_LOGIN,
                request: None,
                response: None,
                more: String::new(),
                child: None,
            };
            return self.call(file, time, &Caller::Root, Some(call), random, text, facts);
        }
        let (action, service) = random.pick(SERVICE_ACTIONS);
        let call = Call { action, request: None, response: None, more: String::new(), child: None };
        self.call(file, time, &Caller::Service(service), Some(call), random, text, facts);
    }

    /// The call that gives out a session key.
    fn mint(&self, file: &FilePlan, mint: Mint, random: &mut Random, text: &mut String, facts: &mut Facts) {
        let plan = self.plan.sessions[mint.session as usize];
        let child = self.world.session(mint.session);
        let account = &self.world.accounts[usize::from(plan.account)].id;
        let caller = match plan.parent {
            Parent::User(user) if mint.is_mirror => Caller::Stranger(&self.world.users[user as usize]),
            Parent::User(user) | Parent::Token(user) => self.user(user, plan.created, random),
            Parent::Session(session) => self.session(session),
            Parent::Web => Caller::Web,
            Parent::Service | Parent::Unknown => Caller::Service("ec2.amazonaws.com"),
        };
        let is_token = matches!(plan.parent, Parent::Token(_));
        let (mut request, mut response) = (String::new(), String::new());
        let Session { role, role_id, name, key, .. } = &child;
        let _ = write!(response, r#"{{"credentials":{{"accessKeyId":"{key}","sessionToken":""#);
        random.text(180, BASE64, &mut response);
        response.push_str(r#"","expiration":""#);
        time::spoken(&mut response, plan.created + HOUR, random.per_mille(500));
        response.push_str("\"}");
        if is_token {
            request.push_str(r#"{"durationSeconds":43200}"#);
        } else {
            let _ = write!(
                request,
                r#"{{"roleArn":"arn:aws:iam::{account}:role/{role}","roleSessionName":"{name}","durationSeconds":3600}}"#
            );
            let _ = write!(
                response,
                r#","assumedRoleUser":{{"assumedRoleId":"{role_id}:{name}","arn":"arn:aws:sts::{account}:assumed-role/{role}/{name}"}}"#
            );
        }
        response.push('}');
        let mut more = String::new();
        if !is_token {
            let _ = write!(
                more,
                r#","resources":[{{"accountId":"{account}","type":"AWS::IAM::Role","ARN":"arn:aws:iam::{account}:role/{role}"}}]"#
            );
            // The same in both trails of a call across accounts.
            more.push_str(r#","sharedEventID":""#);
            Random::of(&[self.world.seed, 8, u64::from(mint.session)]).uuid(&mut more);
            more.push('"');
        }
        let action = match plan.parent {
            Parent::Token(_) => &GET_SESSION_TOKEN,
            Parent::Web => &ASSUME_ROLE_WITH_WEB_IDENTITY,
            _ => &ASSUME_ROLE,
        };
        let call =
            Call { action, request: Some(request), response: Some(response), more, child: Some(child) };
        self.call(file, plan.created, &caller, Some(call), random, text, facts);
    }

    /// A step in the life of a user's keys, by the first user of the account.
    fn change(
        &self,
        file: &FilePlan,
        change: Change,
        random: &mut Random,
        text: &mut String,
        facts: &mut Facts,
    ) {
        let user = &self.world.users[change.user as usize];
        let Some(second) = &user.second else { return };
        let admin = self.world.accounts[usize::from(user.account)].users[0];
        let caller = self.user(admin, change.time, random);
        let (name, old, new) = (&user.name, &user.key, &second.key);
        let (action, request, response) = match change.step {
            Step::Create => {
                let mut response = format!(
                    r#"{{"accessKey":{{"accessKeyId":"{new}","status":"Active","userName":"{name}","createDate":""#
                );
                time::spoken(&mut response, change.time, random.per_mille(500));
                response.push_str("\"}}");
                (&CREATE_ACCESS_KEY, format!(r#"{{"userName":"{name}"}}"#), Some(response))
            }
            Step::Deactivate => (
                &UPDATE_ACCESS_KEY,
                format!(r#"{{"accessKeyId":"{old}","status":"Inactive","userName":"{name}"}}"#),
                None,
            ),
            Step::Delete => {
                (&DELETE_ACCESS_KEY, format!(r#"{{"accessKeyId":"{old}","userName":"{name}"}}"#), None)
            }
        };
        let call = Call { action, request: Some(request), response, more: String::new(), child: None };
        self.call(file, change.time, &caller, Some(call), random, text, facts);
    }

    /// The record of one call.
    #[expect(clippy::too_many_arguments, reason = "all that a record is made of")]
    fn call(
        &self,
        file: &FilePlan,
        time: i64,
        caller: &Caller<'_>,
        call: Option<Call<'_>>,
        random: &mut Random,
        text: &mut String,
        facts: &mut Facts,
    ) {
        let account = &self.world.accounts[usize::from(file.account)].id;
        let is_planned = call.is_some();
        let call = call.unwrap_or_else(|| {
            let action = caller.habit().map_or(&ACTIONS[0], |habit| usual(habit, file.region, random));
            Call { action, request: None, response: None, more: String::new(), child: None }
        });
        let action = call.action;
        let is_global = action.kind.is_global();
        let region = if is_global { REGIONS[0] } else { REGIONS[usize::from(file.region)] };
        let context = Context { account, region, time };
        // What carries the lineage is not played with: it has to be there to be compared.
        let trap = if is_planned { Trap::None } else { Trap::draw(random) };
        let is_spared = caller.key().is_none() || self.is_delivered && trap.is_invented();
        let trap = if is_spared { Trap::None } else { trap };

        let mut address = String::new();
        let mut agent = String::new();
        let mut endpoint = None;
        let mut invoked_by = None;
        match caller {
            Caller::Service(service) => {
                address.push_str(service);
                agent.push_str(service);
            }
            Caller::Stranger(_) | Caller::Root => {
                let _ = write!(address, "198.51.100.{}", random.below(250));
                agent.push_str(&self.world.agents[random.below(self.world.agents.len())]);
            }
            Caller::Web => {
                let _ = write!(address, "20.{}.{}.7", random.below(250), random.below(250));
                agent.push_str("configure-aws-credentials-for-github-actions/v4.0.2");
            }
            Caller::User { .. } | Caller::Session { .. } => {
                if let Some(habit) = caller.habit() {
                    address.push_str(&habit.addresses[random.skewed(habit.addresses.len())]);
                    let chosen = habit.agents[random.skewed(habit.agents.len())];
                    agent.push_str(&self.world.agents[usize::from(chosen)]);
                    endpoint = habit.vpc_endpoint.as_deref();
                }
                if matches!(caller, Caller::Session { .. }) && random.per_mille(40) {
                    invoked_by = Some("cloudformation.amazonaws.com");
                    address = "cloudformation.amazonaws.com".to_owned();
                    agent = "cloudformation.amazonaws.com".to_owned();
                }
            }
        }
        let mut error = None;
        let failing = caller.habit().map_or(10, |habit| usize::from(habit.failing));
        if call.response.is_none() && call.request.is_none() && random.per_mille(failing) {
            error = action.errors.get(random.skewed(action.errors.len().max(1))).copied();
        }
        let is_network_activity = endpoint.is_some() && !is_planned && random.per_mille(25);
        if is_network_activity {
            error = Some(("VpceAccessDenied", "The request was denied due to a VPC endpoint policy"));
        }

        facts.key.clear();
        facts.key.push_str(caller.key().unwrap_or_default());
        facts.time = time;
        (facts.source, facts.name) = (action.source, action.name);
        facts.region = if trap == Trap::NoRegion { "" } else { region };
        facts.address.clear();
        facts.agent.clear();
        if trap != Trap::NoAddress {
            facts.address.push_str(&address);
        }
        if !matches!(trap, Trap::NullAgent | Trap::NoAgent) {
            facts.agent.push_str(&agent);
        }
        facts.error = error.map_or("", |error| error.0);
        facts.is_anonymous = trap == Trap::NoEventId;
        facts.child.clear();
        if let Some(child) = &call.child {
            facts.child.push_str(&child.key);
        }
        facts.trap = trap.name();
        if is_network_activity && facts.trap.is_empty() {
            facts.trap = "network_activity";
        }
        if facts.trap.is_empty() && address.contains(':') && !facts.key.is_empty() {
            facts.trap = "ipv6";
        }
        if matches!(caller, Caller::Root) {
            facts.trap = "empty_key_id";
        }

        let identity_first = trap != Trap::IdentityLast;
        let version = match trap {
            Trap::FutureVersion => "2.3",
            _ if is_network_activity => "1.09",
            _ => ["1.08", "1.08", "1.09", "1.10", "1.11", "1.05"][random.skewed(6)],
        };
        text.push_str(r#"{"eventVersion":""#);
        text.push_str(version);
        text.push_str("\",");
        if trap == Trap::FutureVersion {
            text.push_str(r#""provenance":{"userIdentity":{"accessKeyId":""#);
            template::decoy(text, random);
            text.push_str(r#""},"hops":[[],[{}],[{"eventID":"x"}],1e-7,-0.0,true,null,"\\\""]},"#);
        }
        if trap == Trap::IdentityTwice {
            text.push_str(r#""userIdentity":{"type":"IAMUser","accessKeyId":""#);
            template::decoy(text, random);
            text.push_str("\"},");
        }
        if identity_first {
            self.identity(caller, account, trap, invoked_by, random, text);
            text.push(',');
        }
        text.push_str(r#""eventTime":""#);
        time::iso(text, time);
        if trap == Trap::Fraction {
            text.pop();
            text.push_str(".987Z");
        }
        text.push_str(r#"","eventSource":"#);
        trap.string(text, action.source);
        if trap == Trap::NameTwice {
            text.push_str(r#","eventName":"NotThisOne""#);
        }
        text.push_str(r#","eventName":"#);
        trap.string(text, action.name);
        if trap != Trap::NoRegion {
            text.push_str(r#","awsRegion":"#);
            trap.string(text, region);
        }
        if trap != Trap::NoAddress {
            text.push_str(r#","sourceIPAddress":"#);
            trap.string(text, &address);
        }
        match trap {
            Trap::NullAgent => text.push_str(r#","userAgent":null"#),
            Trap::NoAgent => {}
            _ => {
                text.push_str(r#","userAgent":"#);
                trap.string(text, &agent);
            }
        }
        if let Some((code, message)) = error {
            text.push_str(r#","errorCode":"#);
            trap.string(text, code);
            text.push_str(r#","errorMessage":""#);
            template::expand(text, message, random, &context);
            text.push('"');
        } else if trap == Trap::EmptyError {
            text.push_str(if random.per_mille(500) { r#","errorCode":"""# } else { r#","errorCode":null"# });
        }
        if !is_network_activity {
            text.push_str(r#","requestParameters":"#);
            match &call.request {
                Some(request) => text.push_str(request),
                None if trap == Trap::RequestDecoy => {
                    text.push_str(r#"{"userIdentity":{"accessKeyId":""#);
                    template::decoy(text, random);
                    text.push_str(r#""},"Records":[{"eventID":"}],{"}],"text":"\\\"}],\"accessKeyId\":\""#);
                    template::decoy(text, random);
                    text.push_str(r#"\"\\"}"#);
                }
                None => template::expand(text, action.request, random, &context),
            }
            text.push_str(r#","responseElements":"#);
            match &call.response {
                Some(response) => text.push_str(response),
                None if error.is_some() => text.push_str("null"),
                None => template::expand(text, action.response, random, &context),
            }
            if error.is_none() {
                template::expand(text, action.more, random, &context);
            }
            text.push_str(&call.more);
        }
        text.push_str(r#","requestID":""#);
        if action.source == "s3.amazonaws.com" {
            random.text(16, b"0123456789ABCDEFGHJKMNPQRSTVWXYZ", text);
        } else {
            random.uuid(text);
        }
        if trap != Trap::NoEventId {
            text.push_str(r#"","eventID":""#);
            random.uuid(text);
        }
        let _ = write!(text, r#"","readOnly":{}"#, action.kind.is_read());
        let (kind, category) = match caller {
            _ if is_network_activity => ("AwsVpceEvent", "NetworkActivity"),
            Caller::Root => ("AwsConsoleSignIn", "Management"),
            _ if action.kind.is_data() => ("AwsApiCall", "Data"),
            _ => ("AwsApiCall", "Management"),
        };
        let is_management = category == "Management";
        let _ = write!(text, r#","eventType":"{kind}","managementEvent":{is_management}"#);
        let _ = write!(text, r#","recipientAccountId":"{account}""#);
        if let Some(endpoint) = endpoint {
            let _ = write!(text, r#","vpcEndpointId":"{endpoint}","vpcEndpointAccountId":"{account}""#);
        }
        let _ = write!(text, r#","eventCategory":"{category}""#);
        if !matches!(caller, Caller::Service(_)) && random.per_mille(600) {
            let service = action.source.trim_end_matches(".amazonaws.com");
            let version = random
                .pick(&[("TLSv1.3", "TLS_AES_128_GCM_SHA256"), ("TLSv1.2", "ECDHE-RSA-AES128-GCM-SHA256")]);
            let _ = write!(
                text,
                r#","tlsDetails":{{"tlsVersion":"{}","cipherSuite":"{}","clientProvidedHostHeader":"{service}.{region}.amazonaws.com"}}"#,
                version.0, version.1
            );
        }
        if matches!(agent.as_str(), "console.amazonaws.com" | "AWS Internal") {
            text.push_str(r#","sessionCredentialFromConsole":"true""#);
        }
        if !identity_first {
            text.push(',');
            self.identity(caller, account, trap, invoked_by, random, text);
        }
        text.push('}');
    }

    /// `userIdentity`.
    fn identity(
        &self,
        caller: &Caller<'_>,
        account: &str,
        trap: Trap,
        invoked_by: Option<&str>,
        random: &mut Random,
        text: &mut String,
    ) {
        text.push_str(r#""userIdentity":{"#);
        match caller {
            Caller::User { user, key, number } => {
                let home = &self.world.accounts[usize::from(user.account)].id;
                let User { name, id, .. } = user;
                let _ = write!(
                    text,
                    r#""type":"IAMUser","principalId":"{id}","arn":"arn:aws:iam::{home}:user/{name}","accountId":"{home}","#
                );
                if trap == Trap::ContextDecoy {
                    text.push_str(r#""sessionContext":{"accessKeyId":""#);
                    template::decoy(text, random);
                    text.push_str(r#"","attributes":{"mfaAuthenticated":"false"}},"#);
                }
                trap.key(text, key, random);
                let _ = write!(text, r#","userName":"{name}""#);
                if number % 5 == 0 && trap != Trap::ContextDecoy {
                    text.push_str(r#","sessionContext":{"attributes":{"creationDate":""#);
                    time::iso(text, day_start(0));
                    text.push_str(r#"","mfaAuthenticated":"false"}}"#);
                }
            }
            Caller::Session { session, created, parent } => {
                let Session { key, role, role_id, name, .. } = session;
                if let Parent::Token(user) = parent {
                    let User { name, id, account: home, .. } = &self.world.users[*user as usize];
                    let home = &self.world.accounts[usize::from(*home)].id;
                    let _ = write!(
                        text,
                        r#""type":"IAMUser","principalId":"{id}","arn":"arn:aws:iam::{home}:user/{name}","accountId":"{home}","#
                    );
                    trap.key(text, key, random);
                    let _ = write!(text, r#","userName":"{name}","sessionContext":{{"attributes":{{"creationDate":""#);
                    time::iso(text, *created);
                    text.push_str(r#"","mfaAuthenticated":"true"}}"#);
                } else {
                    let _ = write!(
                        text,
                        r#""type":"AssumedRole","principalId":"{role_id}:{name}","arn":"arn:aws:sts::{account}:assumed-role/{role}/{name}","accountId":"{account}","#
                    );
                    trap.key(text, key, random);
                    let _ = write!(
                        text,
                        r#","sessionContext":{{"sessionIssuer":{{"type":"Role","principalId":"{role_id}","arn":"arn:aws:iam::{account}:role/{role}","accountId":"{account}","userName":"{role}"}},"#
                    );
                    match parent {
                        Parent::Web => text.push_str(r#""webIdFederationData":{"federatedProvider":"arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com","attributes":{}},"#),
                        _ if random.per_mille(400) => text.push_str(r#""webIdFederationData":{},"#),
                        _ => {}
                    }
                    if trap == Trap::ContextDecoy {
                        text.push_str(r#""accessKeyId":""#);
                        template::decoy(text, random);
                        text.push_str("\",");
                    }
                    text.push_str(r#""attributes":{"creationDate":""#);
                    time::iso(text, *created);
                    text.push_str(r#"","mfaAuthenticated":"false"}"#);
                    if *parent == Parent::Service {
                        text.push_str(r#","ec2RoleDelivery":"2.0""#);
                    }
                    text.push('}');
                }
            }
            Caller::Service(service) => {
                let _ = write!(text, r#""type":"AWSService","invokedBy":"{service}""#);
            }
            Caller::Stranger(user) => {
                let home = &self.world.accounts[usize::from(user.account)].id;
                let id = &user.id;
                let _ = write!(text, r#""type":"AWSAccount","principalId":"{id}","accountId":"{home}""#);
            }
            Caller::Web => text.push_str(
                r#""type":"WebIdentityUser","principalId":"arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com:sts.amazonaws.com:repo:acme/shop:ref:refs/heads/main","userName":"repo:acme/shop:ref:refs/heads/main","identityProvider":"arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com""#,
            ),
            Caller::Root => {
                let _ = write!(
                    text,
                    r#""type":"Root","principalId":"{account}","arn":"arn:aws:iam::{account}:root","accountId":"{account}","accessKeyId":"""#
                );
            }
        }
        if let Some(service) = invoked_by {
            let _ = write!(text, r#","invokedBy":"{service}""#);
        }
        text.push('}');
    }
}

impl Caller<'_> {
    fn key(&self) -> Option<&str> {
        match self {
            Self::User { key, .. } => Some(key),
            Self::Session { session, .. } => Some(&session.key),
            Self::Service(_) | Self::Stranger(_) | Self::Web | Self::Root => None,
        }
    }

    fn habit(&self) -> Option<&Habit> {
        match self {
            Self::User { user, .. } => Some(&user.habit),
            Self::Session { session, .. } => Some(&session.habit),
            Self::Service(_) | Self::Stranger(_) | Self::Web | Self::Root => None,
        }
    }
}

/// One of the actions that a caller has the habit of; those of global services leave their record in one region.
fn usual<'a>(habit: &Habit, region: u8, random: &mut Random) -> &'a Action {
    for _ in 0..4 {
        let action = &ACTIONS[usize::from(habit.actions[random.skewed(habit.actions.len())])];
        if region == 0 || !action.kind.is_global() {
            return action;
        }
    }
    &ACTIONS[0]
}

const fn plain(source: &'static str, name: &'static str, kind: Kind) -> Action {
    Action { source, name, kind, request: "null", response: "null", more: "", errors: &[] }
}

static ASSUME_ROLE: Action = plain("sts.amazonaws.com", "AssumeRole", Kind::Read);
static ASSUME_ROLE_WITH_WEB_IDENTITY: Action =
    plain("sts.amazonaws.com", "AssumeRoleWithWebIdentity", Kind::Read);
static GET_SESSION_TOKEN: Action = plain("sts.amazonaws.com", "GetSessionToken", Kind::Read);
static CREATE_ACCESS_KEY: Action = plain("iam.amazonaws.com", "CreateAccessKey", Kind::GlobalWrite);
static UPDATE_ACCESS_KEY: Action = plain("iam.amazonaws.com", "UpdateAccessKey", Kind::GlobalWrite);
static DELETE_ACCESS_KEY: Action = plain("iam.amazonaws.com", "DeleteAccessKey", Kind::GlobalWrite);
static CONSOLE_LOGIN: Action = Action {
    source: "signin.amazonaws.com",
    name: "ConsoleLogin",
    kind: Kind::Write,
    request: "null",
    response: r#"{"ConsoleLogin":"Success"}"#,
    more: r#","additionalEventData":{"LoginTo":"https://console.aws.amazon.com/console/home","MobileVersion":"No","MFAUsed":"Yes"}"#,
    errors: &[],
};
