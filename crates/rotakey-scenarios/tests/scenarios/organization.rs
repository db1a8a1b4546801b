//! Organizations: the accounts, page by page.

use crate::cloud::Cloud;
use crate::outcome::outcome;
use crate::pages;
use crate::report::Report;

pub(crate) async fn list_accounts_pages(cloud: &Cloud, report: &mut Report) {
    cloud.have_five_accounts().await;
    let organizations = cloud.organizations();
    let pages = pages::sizes(async |marker| {
        let page = organizations.list_accounts().max_results(2).set_next_token(marker).send().await.unwrap();
        (page.accounts().len(), page.next_token().map(str::to_owned))
    });
    report.check("pages of two", "2+2+1", pages.await);

    let accounts = organizations.list_accounts().send().await.unwrap().accounts.unwrap_or_default();
    let own = cloud.account_id.to_string();
    let own = accounts.iter().find(|account| account.id() == Some(&own));
    let status = own.and_then(|account| account.status()).map_or("absent", |status| status.as_str());
    report.check("the caller's account", "ACTIVE", status);
    let large = organizations.list_accounts().max_results(21).send().await;
    report.check("pages of more than twenty", "InvalidInputException 400", outcome(&large));
    let lost = organizations.list_accounts().next_token("never-given-out").send().await;
    report.check("a token that was never given out", "InvalidInputException 400", outcome(&lost));
}
