//! The operations of a destination over values with a mark beside them: see `mark` for why they are these.

use async_trait::async_trait;
use rotakey_core::destination::Values;
use rotakey_core::id::AccessKeyId;
use rotakey_core::rotate::{Content as _, Refused};
use rotakey_core::secret::{AccessKeyPair, Secret};
use rotakey_engine::port::{Destination, PortError, PortErrorKind, Slots};

use crate::destination::mark::{Doubt, Found, Keep, Look, Mark, known};

/// The values of one vendor.
#[async_trait]
pub(super) trait Variables: Send + Sync {
    type Keep: Keep;

    /// The destination, as messages name it.
    fn place(&self) -> &str;

    fn values(&self) -> &Values;

    /// Whether the user allows several.
    fn several_writes(&self) -> bool;

    /// Fails for what can be known to be wrong without a call.
    fn check(&self) -> Result<(), PortError>;

    /// What is there. [`PortErrorKind::Invalid`] if there is no such place.
    async fn look(&self) -> Result<Look<Self::Keep>, PortError>;

    /// Fails if values and marks may not be written. Changes nothing.
    async fn may_write(&self) -> Result<(), PortError>;

    async fn write_value(&self, look: &Look<Self::Keep>, name: &str, value: &Secret)
    -> Result<(), PortError>;

    async fn write_mark(&self, look: &Look<Self::Keep>, mark: &Mark<Self::Keep>) -> Result<(), PortError>;

    /// Writes the one value and the mark in one request, where the place can. `false` if it cannot.
    async fn write_at_once(
        &self,
        _look: &Look<Self::Keep>,
        _value: &Secret,
        _mark: &Mark<Self::Keep>,
    ) -> Result<bool, PortError> {
        Ok(false)
    }
}

/// The operations of a destination over the values of any vendor.
pub(super) struct Marked<V>(pub(super) V);

#[async_trait]
impl<V: Variables> Destination for Marked<V> {
    async fn preflight(&self) -> Result<(), PortError> {
        self.look("preflight").await?;
        self.0.may_write().await
    }

    async fn read(&self) -> Result<Slots, PortError> {
        Ok(self.look("read").await?.1.into_slots())
    }

    async fn stage(&self, pair: &AccessKeyPair) -> Result<(), PortError> {
        let (look, mark) = self.look("stage").await?;
        let new = V::Keep::of(pair);
        let doubtful = mark.doubtful().filter(|doubtful| **doubtful != new);
        if mark.doubt == Some(Doubt::Pending)
            && let Some(doubtful) = doubtful
        {
            let why = format!("a write of {} was begun and not finished", doubtful.id());
            return Err(self.error(PortErrorKind::Conflict, "stage", why));
        }
        if mark.doubt.is_none() && mark.current.as_ref() == Some(&new) {
            return Ok(());
        }
        self.write_mark(&look, Mark { pending: Some(new), ..mark }).await
    }

    async fn publish(&self, pair: &AccessKeyPair) -> Result<(), PortError> {
        let (look, mark) = self.look("publish").await?;
        let change = |slots: &mut Slots<V::Keep>| {
            slots.publish(V::Keep::of(pair));
            Ok(())
        };
        self.make_current(look, mark, pair, change).await
    }

    async fn restore(&self, id: &AccessKeyId) -> Result<(), PortError> {
        let (look, mark) = self.look("restore").await?;
        if mark.doubt.is_none() && mark.current.as_ref().is_some_and(|kept| kept.id() == id) {
            return Ok(());
        }
        let found = mark.find(id);
        let why = match found {
            Some(_) => "only the mark of this key is kept, not its secret: publish it again",
            None => "this key is neither previous nor pending here",
        };
        let Some(pair) = found.and_then(Keep::pair) else {
            return Err(self.error(PortErrorKind::NotFound, "restore", why));
        };
        self.make_current(look, mark, &pair, |slots| slots.restore(id)).await
    }

    async fn forget(&self, id: &AccessKeyId) -> Result<(), PortError> {
        let (look, mark) = self.look("forget").await?;
        if mark.doubtful().is_some_and(|doubtful| doubtful.id() == id) {
            return Err(self.error(PortErrorKind::Conflict, "forget", "applications perhaps read this key"));
        }
        let (mut slots, doubt, version) = mark.into_parts();
        slots.forget(id).map_err(|refused| self.refused("forget", &refused))?;
        self.write_mark(&look, Mark::of(slots, doubt, version)).await
    }
}

impl<V: Variables> Marked<V> {
    /// What is there and what is known of it, or why it must not be touched.
    async fn look(&self, operation: &str) -> Result<(Look<V::Keep>, Mark<V::Keep>), PortError> {
        let values = self.0.values();
        if values.len() > 1 && !self.0.several_writes() {
            return Err(self.error(
                PortErrorKind::Invalid,
                operation,
                "several values are written one after the other here, so a job that starts in between would find \
                 a mixture of old and new: write one value with {json} in it, or allow it with several_writes = true",
            ));
        }
        self.0.check()?;
        let mut look = self.0.look().await?;
        let mark = known(&mut look).map_err(|why| self.error(PortErrorKind::Conflict, operation, why))?;
        Ok((look, mark))
    }

    async fn make_current(
        &self,
        look: Look<V::Keep>,
        mark: Mark<V::Keep>,
        pair: &AccessKeyPair,
        change: impl FnOnce(&mut Slots<V::Keep>) -> Result<(), Refused> + Send,
    ) -> Result<(), PortError> {
        let new = V::Keep::of(pair);
        let mut after = mark.duplicate().into_parts().0;
        change(&mut after).map_err(|refused| self.refused("publish", &refused))?;
        if mark.doubt.is_none() && mark.current.as_ref() == Some(&new) {
            return self.write_mark(&look, Mark::of(after, None, mark.version)).await;
        }
        if look.fresh {
            let why = "it was written within this very second: try again in the next one";
            return Err(self.error(PortErrorKind::Throttled, "publish", why));
        }
        let mut values: Vec<_> = self.0.values().iter().collect();
        values.sort_by_key(|(_, template)| template.is_secret());
        let rendered: Vec<(&str, Secret)> =
            values.into_iter().map(|(name, template)| (name, template.render(pair))).collect();
        let after = Mark::of(after, None, None);
        if let [(_, value)] = &rendered[..]
            && self.0.write_at_once(&look, value, &after).await?
        {
            return Ok(());
        }
        self.write_in_steps(look, mark, new, &rendered, after.into_parts().0).await
    }

    /// The three steps at the top of this file.
    async fn write_in_steps(
        &self,
        mut look: Look<V::Keep>,
        mark: Mark<V::Keep>,
        new: V::Keep,
        values: &[(&str, Secret)],
        after: Slots<V::Keep>,
    ) -> Result<(), PortError> {
        let version = look.version();
        self.write_mark(&look, mark.foresee(new, version)).await?;
        if matches!(look.found, Found::Nothing) {
            // The mark is a variable, or stands in one, that did not exist.
            look = self.0.look().await?;
        }
        for (name, value) in values {
            self.0.write_value(&look, name, value).await?;
        }
        let look = self.0.look().await?;
        let version = look.version();
        self.write_mark(&look, Mark::of(after, None, version)).await
    }

    /// Writes the mark, unless it stands there.
    async fn write_mark(&self, look: &Look<V::Keep>, mark: Mark<V::Keep>) -> Result<(), PortError> {
        let same = match &look.found {
            Found::Mark(found) => *found == mark,
            Found::Nothing => mark.is_empty(),
            Found::Adopt | Found::Foreign => false,
        };
        if same { Ok(()) } else { self.0.write_mark(look, &mark).await }
    }

    fn error(&self, kind: PortErrorKind, operation: &str, why: impl Into<String>) -> PortError {
        PortError::new(kind, format!("{operation} {}", self.0.place()), why)
    }

    fn refused(&self, operation: &str, refused: &Refused) -> PortError {
        self.error(refused.kind(), operation, refused.to_string())
    }
}
