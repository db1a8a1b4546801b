//! An object, and all that builds on it.

use std::sync::{MutexGuard, PoisonError};

use super::damaged::Failure;
use super::duplicates::Duplicates;
use super::forest::{Forest, NONE};
use super::work::{Job, Work};
use super::{HEAD, Notes, Task, Visit, Walked};
use crate::git::objects::buffer::Buffer;
use crate::git::objects::damage::Damage;
use crate::git::objects::delta::Delta;
use crate::git::objects::inflate::Inflater;
use crate::git::objects::pack::Content;
use crate::git::objects::reader::{Copy, Reader};
use crate::git::objects::seams;
use crate::object_id::ObjectId;

/// What a worker keeps of one buffer between objects.
const KEPT: usize = 4 << 20;
/// How many buffers it keeps.
const SPARES: usize = 8;
/// From this size on a blob is large, in bytes: its family is read while no other such one is.
const LARGE: u64 = 64 << 20;
/// How many blobs are worth handing to another worker.
const WORTH_SHARING: u32 = 16;

/// Reads families.
pub(super) struct Worker<'a> {
    task: &'a Task<'a>,
    pub(super) forest: &'a Forest<'a>,
    duplicates: &'a Duplicates,
    work: &'a Work,
    /// How much around each seam is to be searched.
    reach: usize,
    pub(super) inflater: Inflater,
    pub(super) delta: Buffer,
    pub(super) excerpt: Buffer,
    spares: Vec<Buffer>,
    reader: Option<Reader<'a>>,
    /// Who is told of commits and trees, when it is these that are walked over.
    pub(super) visitor: Option<Box<dyn Visit + 'a>>,
    /// Held from when a family is seen to have a large member until it is done.
    large: Option<MutexGuard<'a, ()>>,
    held: usize,
    pub(super) walked: Walked,
    failures: Vec<Failure>,
}

/// An object whose deltas are being read.
#[derive(Debug)]
pub(super) struct Frame {
    /// Its entry, or none if it is not of this pack.
    entry: u32,
    /// Its content, unless it was let go.
    content: Option<Buffer>,
    seen: Seen,
    /// What a visitor noted of it.
    notes: Notes,
    /// The next of those that build on it, in the order of the pack.
    next: u32,
    /// The one with the largest family. It comes last, when its base need not be kept: so no more objects are held at a
    /// time than a family's size has binary digits.
    heavy: u32,
    /// Whether that one is still to come. Where not, it is not this frame's to read.
    with_heavy: bool,
}

/// What is known of an object's content.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    /// Whether something can be in it, or it was not looked at, or says little of what builds on it.
    pub(super) suspect: bool,
    /// Whether it begins as what is to be looked into.
    pub(super) opens: bool,
}

impl Frame {
    fn held(&self) -> usize {
        self.content.as_ref().map_or(0, Buffer::capacity)
    }
}

impl<'a> Worker<'a> {
    pub(super) fn new(
        task: &'a Task<'a>,
        forest: &'a Forest<'a>,
        duplicates: &'a Duplicates,
        work: &'a Work,
    ) -> Self {
        Self {
            task,
            forest,
            duplicates,
            work,
            reach: task.search.window().saturating_mul(2),
            inflater: Inflater::new(),
            delta: Buffer::default(),
            excerpt: Buffer::default(),
            spares: Vec::new(),
            reader: None,
            visitor: task.search.visitor(),
            large: None,
            held: 0,
            walked: Walked::default(),
            failures: Vec::new(),
        }
    }

    /// Works until there is nothing to do.
    pub(super) fn run(mut self) -> (Walked, Vec<Failure>) {
        /// Lets the others end when a search panics.
        struct Leave<'a>(&'a Work);
        impl Drop for Leave<'_> {
            fn drop(&mut self) {
                if std::thread::panicking() {
                    self.0.leave();
                }
            }
        }
        let _leave = Leave(self.work);
        while let Some(job) = self.work.next() {
            match job {
                Job::Subtree(frame) => self.descend(frame),
                Job::Roots(roots) => {
                    for number in roots {
                        match self.forest.roots.get(number) {
                            Some(&root) => self.root(root),
                            None => self.foreign(self.forest.foreign[number - self.forest.roots.len()]),
                        }
                        self.large = None;
                    }
                }
            }
            self.large = None;
        }
        (self.walked, self.failures)
    }

    /// Waits until no other worker has something large, if this is: so no more is needed than for one.
    pub(super) fn size_up(&mut self, size: u64) {
        if size > LARGE && self.large.is_none() {
            self.large = Some(self.task.large.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }

    /// Reads the family of an object that is whole.
    fn root(&mut self, root: u32) {
        let data = self.forest.pack.data();
        let mut content = self.spare();
        let inflated = data.entry(self.forest.offset(root)).and_then(|entry| {
            let stream = data.between(entry.data, self.forest.end(root));
            self.size_up(entry.size);
            self.inflater.inflate(stream, entry.size, &mut content)
        });
        if let Err(damage) = inflated {
            self.recycle(content);
            return self.fail(root, damage);
        }
        if self.visitor.is_some() {
            if let Some(frame) = self.lead(root, content) {
                self.descend(frame);
            }
            return;
        }
        let mut seen = Seen { suspect: true, opens: self.opens(content.content()) };
        if self.forest.is_wanted(root) {
            seen.suspect = self.screen(content.content());
            self.tell(root, content.len(), &content, seen);
        }
        if let Some(frame) = self.frame(root, content, seen, Notes::default()) {
            self.descend(frame);
        }
    }

    /// Reads a delta against an object of another pack, and its family.
    fn foreign(&mut self, entry: u32) {
        let pack = self.forest.pack;
        let id = match pack.data().entry(self.forest.offset(entry)).map(|entry| entry.content) {
            Ok(Content::DeltaOf(id)) => ObjectId::from_bytes(id),
            _ => None,
        };
        let Some(id) = id else { return self.fail(entry, Damage::Broken("its base has no id")) };
        let store = self.task.store;
        let read = self.reader.get_or_insert_with(|| store.reader()).read(&id);
        let mut content = match read {
            Ok(Some(object)) if self.task.kinds.has(object.kind) => {
                let mut content = Buffer::default();
                content.extend(object.content);
                content
            }
            Ok(Some(_)) => return,
            Ok(None) => return self.fail(entry, Damage::NoBase(id)),
            Err(_) => return self.fail(entry, Damage::Broken("its base cannot be read")),
        };
        let made = if self.visitor.is_some() {
            self.follow(&mut content, &mut Notes::default(), entry, true)
        } else {
            let seen = Seen { suspect: true, opens: self.opens(content.content()) };
            self.child(&content, seen, entry)
        };
        match made {
            Ok(Some(frame)) => self.descend(frame),
            Ok(None) => {}
            Err(damage) => self.fail(entry, damage),
        }
    }

    /// Reads all that builds on an object.
    fn descend(&mut self, frame: Frame) {
        let mut frames = Vec::new();
        self.push(&mut frames, frame);
        while let Some(mut frame) = frames.pop() {
            self.held -= frame.held();
            if self.work.is_wanted() {
                self.share(&mut frame, &mut frames);
            }
            let Some(mut content) = frame.content.take().or_else(|| self.again(&frame)) else {
                self.fail_all(&frame);
                continue;
            };
            let light = self.light(&frame);
            let child = if light != NONE {
                frame.next = self.forest.sibling(light);
                light
            } else if std::mem::take(&mut frame.with_heavy) {
                frame.heavy
            } else {
                self.recycle(content);
                continue;
            };
            let last = self.light(&frame) == NONE && !frame.with_heavy;
            let made = if self.visitor.is_some() {
                self.follow(&mut content, &mut frame.notes, child, last)
            } else {
                self.child(&content, frame.seen, child)
            };
            if !last {
                frame.content = Some(content);
                self.push(&mut frames, frame);
            } else {
                self.recycle(content);
            }
            match made {
                Ok(Some(frame)) => self.push(&mut frames, frame),
                Ok(None) => {}
                Err(damage) => self.fail(child, damage),
            }
        }
    }

    /// The next that is not the one with the largest family.
    fn light(&self, frame: &Frame) -> u32 {
        if frame.next == frame.heavy && frame.next != NONE {
            self.forest.sibling(frame.next)
        } else {
            frame.next
        }
    }

    /// Reads a delta, searches what it makes, and gives it back if something builds on it.
    fn child(&mut self, base: &Buffer, base_seen: Seen, child: u32) -> Result<Option<Frame>, Damage> {
        let forest = self.forest;
        let data = forest.pack.data();
        let entry = data.entry(forest.offset(child))?;
        let stream = data.between(entry.data, forest.end(child));
        self.inflater.inflate(stream, entry.size, &mut self.delta)?;
        // Borrowed by the delta, while other buffers are used.
        let bytes = std::mem::take(&mut self.delta);
        let made = Delta::new(&bytes, base).and_then(|delta| self.make(base, base_seen, child, &delta));
        self.delta = bytes.recycle(KEPT);
        made
    }

    fn make(
        &mut self,
        base: &Buffer,
        base_seen: Seen,
        child: u32,
        delta: &Delta<'_>,
    ) -> Result<Option<Frame>, Damage> {
        let wanted = self.is_wanted(child);
        let mut content = None;
        let mut seen = Seen { suspect: true, opens: base_seen.opens };
        if wanted
            && !base_seen.suspect
            && seams::collect(delta, base, self.reach, &mut self.excerpt)?
            && self.task.search.is_local(self.excerpt.content())
        {
            self.walked.screened += self.excerpt.len() as u64;
            seen.suspect = self.task.search.screen(self.excerpt.content());
        }
        if delta.head(base, HEAD, &mut self.excerpt)? {
            seen.opens = self.task.search.opens(self.excerpt.content());
        }
        let builds = self.forest.children(child) != NONE;
        if builds || wanted && (seen.suspect || seen.opens) {
            self.size_up(delta.size() as u64);
            let mut made = self.spare();
            if let Err(damage) = delta.apply(base, &mut made) {
                self.recycle(made);
                return Err(damage);
            }
            if wanted && seen.suspect {
                seen.suspect = self.screen(made.content());
            }
            content = Some(made);
        }
        let none = Buffer::default();
        if wanted {
            self.tell(child, delta.size(), content.as_ref().unwrap_or(&none), seen);
        }
        let Some(content) = content else { return Ok(None) };
        Ok(self.frame(child, content, seen, Notes::default()))
    }

    /// Hands the search what it wants to see.
    fn tell(&mut self, entry: u32, size: usize, content: &Buffer, seen: Seen) {
        self.walked.blobs += 1;
        self.walked.bytes += size as u64;
        let id = self.forest.id(entry);
        if seen.suspect || seen.opens {
            self.task.search.blob(&id, content.content());
        } else {
            self.task.search.clean(&id, size as u64);
        }
    }

    fn screen(&mut self, content: &[u8]) -> bool {
        self.walked.screened += content.len() as u64;
        self.task.search.screen(content)
    }

    fn opens(&self, content: &[u8]) -> bool {
        self.task.search.opens(&content[..content.len().min(HEAD)])
    }

    /// Whether to search an entry. Of those that were not known to be blobs it is decided only now.
    pub(super) fn is_wanted(&mut self, entry: u32) -> bool {
        if !self.forest.is_foreign(entry) {
            return self.forest.is_wanted(entry);
        }
        let position = self.forest.position(entry);
        if self.duplicates.contains(self.forest.number, position) {
            return false;
        }
        let known = self.task.known.knows(&self.forest.id(entry));
        self.walked.cached += u64::from(known);
        !known
    }

    /// What is to be done with an object whose content is there; nothing, if nothing builds on it.
    pub(super) fn frame(
        &mut self,
        entry: u32,
        content: Buffer,
        mut seen: Seen,
        notes: Notes,
    ) -> Option<Frame> {
        let first = self.forest.children(entry);
        let (mut heavy, mut child) = (first, first);
        while child != NONE {
            if self.forest.weight(child) > self.forest.weight(heavy) {
                heavy = child;
            }
            child = self.forest.sibling(child);
        }
        if first == NONE {
            self.recycle(content);
            return None;
        }
        seen.suspect |= !self.task.search.is_local(content.content());
        Some(Frame { entry, content: Some(content), seen, notes, next: first, heavy, with_heavy: true })
    }

    /// Holds an object. If that is too much, others are let go.
    fn push(&mut self, frames: &mut Vec<Frame>, frame: Frame) {
        self.held += frame.held();
        frames.push(frame);
        let above = frames.len() - 1;
        if self.held > self.task.held {
            for frame in &mut frames[..above] {
                self.held -= frame.held();
                frame.content = None;
            }
        }
    }

    /// Makes an object again that was let go.
    fn again(&mut self, frame: &Frame) -> Option<Buffer> {
        let id = self.forest.id(frame.entry);
        let copy = Copy::Packed(self.forest.number, self.forest.offset(frame.entry));
        let store = self.task.store;
        let reader = self.reader.get_or_insert_with(|| store.reader());
        if !reader.read_copy(&id, copy).ok()? {
            return None;
        }
        let object = reader.object();
        let mut content = self.spares.pop().unwrap_or_default();
        content.clear();
        content.extend(object.content);
        Some(content)
    }

    /// Hands some of what is left to a worker that has nothing to do.
    fn share(&mut self, top: &mut Frame, frames: &mut [Frame]) {
        for frame in frames.iter_mut().chain(std::iter::once(top)) {
            let light = self.light(frame);
            let Some(content) = &frame.content else { continue };
            if light == NONE || !frame.with_heavy || self.forest.weight(light) < WORTH_SHARING {
                continue;
            }
            // The largest stays here, all others go.
            // Notes are for the visitor that made them.
            let (content, notes) = (Some(content.clone()), Notes::default());
            self.work.share(Frame { content, notes, with_heavy: false, ..*frame });
            frame.next = NONE;
            return;
        }
    }

    pub(super) fn spare(&mut self) -> Buffer {
        self.spares.pop().unwrap_or_default()
    }

    pub(super) fn recycle(&mut self, buffer: Buffer) {
        let buffer = buffer.recycle(KEPT);
        if self.spares.len() < SPARES && buffer.capacity() > 0 {
            self.spares.push(buffer);
        }
    }

    fn fail_all(&mut self, frame: &Frame) {
        let damage = Damage::Broken("its base cannot be read");
        let mut child = frame.next;
        while child != NONE {
            if child != frame.heavy {
                self.fail(child, damage);
            }
            child = self.forest.sibling(child);
        }
        if frame.with_heavy {
            self.fail(frame.heavy, damage);
        }
    }

    /// Notes that an entry cannot be read, nor what builds on it.
    fn fail(&mut self, entry: u32, damage: Damage) {
        let mut lost = vec![(entry, damage)];
        while let Some((entry, damage)) = lost.pop() {
            if self.forest.is_wanted(entry) || self.forest.is_foreign(entry) {
                self.failures.push(self.forest.failure(entry, damage));
            }
            let mut child = self.forest.children(entry);
            while child != NONE {
                lost.push((child, Damage::Broken("its base cannot be read")));
                child = self.forest.sibling(child);
            }
        }
    }
}
