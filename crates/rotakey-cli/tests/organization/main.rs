//! The real binary on an organization of several accounts, in a simulated AWS that enforces policies: by exactly the
//! roles that the CloudFormation templates in `integrations/cloudformation` make.

mod accounts;
mod guard;
mod permissions;
mod scene;
mod template;
