//! What is sent: one notice, or those of a digest.

use sha2::{Digest, Sha256};

use super::notice::{Notice, NoticeId, NoticeKind, Severity, one_line};
use super::template::NoticeTemplate;
use super::words::minute;

/// One message to one channel. Sent twice, it has the same [`id`](Self::id): a channel that can tells the two apart
/// by it from two messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// What it tells; never empty. The most important comes first.
    notices: Vec<Notice>,
    /// The addresses that it goes to, for a channel that has them.
    pub recipients: Vec<String>,
    subject: Option<NoticeTemplate>,
    text: Option<NoticeTemplate>,
}

/// A part of what a notice says, for a channel to show in its own way. Every text must be escaped for the channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// What happened, in one line.
    Title(String),
    /// Sentences.
    Text(String),
    /// A command for a terminal.
    Command(String),
    /// What else there is to know.
    Aside(String),
}

impl Message {
    /// Notices in the words of the templates, or in rotakey's own. `None` without a notice.
    pub fn new(
        mut notices: Vec<Notice>,
        recipients: Vec<String>,
        subject: Option<NoticeTemplate>,
        text: Option<NoticeTemplate>,
    ) -> Option<Self> {
        notices.sort_by(|one, other| other.severity.cmp(&one.severity).then(one.since.cmp(&other.since)));
        (!notices.is_empty()).then_some(Self { notices, recipients, subject, text })
    }

    /// What it tells.
    pub fn notices(&self) -> &[Notice] {
        &self.notices
    }

    /// What it is known by: 32 hexadecimal digits over the ids of its notices.
    pub fn id(&self) -> String {
        let mut ids: Vec<_> = self.notices.iter().map(|notice| notice.id.as_str()).collect();
        ids.sort_unstable();
        data_encoding::HEXLOWER.encode(&Sha256::digest(ids.join("\n"))[..16])
    }

    /// The ids of its notices.
    pub fn notice_ids(&self) -> impl Iterator<Item = &NoticeId> {
        self.notices.iter().map(|notice| &notice.id)
    }

    /// How much the most important notice matters.
    pub fn severity(&self) -> Severity {
        self.notices.iter().map(|notice| notice.severity).max().unwrap_or(Severity::Info)
    }

    /// One line.
    pub fn subject(&self) -> String {
        if let [only] = &self.notices[..] {
            return self.subject_of(only);
        }
        let pressing = self.notices.iter().filter(|notice| notice.severity > Severity::Info).count();
        format!("rotakey: {} notices, {pressing} of them for somebody to act on", self.notices.len())
    }

    /// What one of its notices says.
    pub fn pieces(&self, notice: &Notice) -> Vec<Piece> {
        let mut pieces = vec![Piece::Title(self.subject_of(notice))];
        if let Some(template) = &self.text {
            pieces.push(Piece::Text(template.fill(notice)));
            return pieces;
        }
        pieces.push(Piece::Text(notice.what.clone()));
        pieces.extend(notice.why.as_ref().map(|why| Piece::Text(format!("Why: {why}"))));
        pieces.extend(notice.what_to_do.as_ref().map(|todo| Piece::Text(format!("What to do: {todo}"))));
        pieces.extend(notice.commands.iter().cloned().map(Piece::Command));
        if notice.kind != NoticeKind::Test {
            pieces.push(Piece::Aside(aside(notice)));
        }
        pieces
    }

    /// All of it as plain text.
    pub fn plain_text(&self) -> String {
        let texts = self.notices.iter().map(|notice| {
            let pieces = self.pieces(notice).into_iter().enumerate();
            let lines = pieces.map(|(index, piece)| match piece {
                // It is the subject already.
                Piece::Title(_) if self.notices.len() == 1 => String::new(),
                Piece::Title(text) => format!("{text}\n\n"),
                Piece::Text(text) | Piece::Aside(text) => {
                    format!("{}{text}\n", if index > 1 { "\n" } else { "" })
                }
                Piece::Command(text) => format!("    {text}\n"),
            });
            lines.collect::<String>()
        });
        texts.collect::<Vec<_>>().join("\n----\n\n")
    }

    /// The title of one of its notices.
    pub fn subject_of(&self, notice: &Notice) -> String {
        match &self.subject {
            Some(template) => one_line(&template.fill(notice)),
            None => notice.title.clone(),
        }
    }
}

fn aside(notice: &Notice) -> String {
    let mut aside = format!("User {} in account {}", notice.user_name, notice.account_id);
    let more =
        [("owner", notice.owner.as_deref()), ("rotation", notice.rotation.as_ref().map(|id| id.as_str()))];
    for (name, value) in more {
        aside.extend(value.map(|value| format!(", {name} {value}")));
    }
    format!("{aside}, since {}", minute(notice.since))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::notify::test_notice;

    fn notice(number: u8, severity: Severity) -> Notice {
        let id = NoticeId::from_stored(format!("test/{number}"));
        Notice { severity, ..test_notice(id, Timestamp::UNIX_EPOCH) }
    }

    #[test]
    fn a_message_has_one_id_whatever_the_order_of_its_notices() {
        let (one, two) = (notice(1, Severity::Info), notice(2, Severity::Error));
        let message = |notices| Message::new(notices, Vec::new(), None, None).unwrap();
        let both = message(vec![one.clone(), two.clone()]);
        assert_eq!(both.id(), message(vec![two.clone(), one.clone()]).id());
        assert_ne!(both.id(), message(vec![one]).id());
        assert_eq!(both.notices()[0].id, two.id, "the most important comes first");
        assert_eq!(both.subject(), "rotakey: 2 notices, 1 of them for somebody to act on");
        assert_eq!(both.id().len(), 32);
        assert!(Message::new(Vec::new(), Vec::new(), None, None).is_none());
    }

    #[test]
    fn a_subject_from_a_template_is_one_line() {
        let template = |text: &str| Some(text.parse().unwrap());
        let message = Message::new(
            vec![notice(1, Severity::Info)],
            Vec::new(),
            template("{user}\nBcc: all"),
            template("{what}\n{commands}"),
        );
        let message = message.unwrap();
        assert_eq!(message.subject(), "nobody Bcc: all");
        assert!(message.plain_text().starts_with("Somebody ran"), "{}", message.plain_text());
    }
}
