//! How much is done beyond the pass over all bytes. Only tests count it: that it grows no faster than the content is a property
//! that a clock could not show.

#[cfg(test)]
thread_local! {
    static STEPS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// Counts some steps.
#[inline(always)]
pub(super) fn add(steps: usize) {
    #[cfg(test)]
    STEPS.set(STEPS.get() + steps);
    let _ = steps;
}

/// Those of this thread since it was last asked.
#[cfg(test)]
pub(super) fn take() -> usize {
    STEPS.take()
}
