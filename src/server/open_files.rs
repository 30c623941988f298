//! The system's limit on open files, below which connections must fit.

/// Files reserved for other uses than connections: listeners, logs, and files that are read again.
const RESERVED: u64 = 64;

/// Raises the limit on open files as far as the system allows, and returns how many connections fit below it. Each
/// connection may need a second file for its call to a vendor's gateway. At the limit no connection could be accepted
/// and no gateway called, so callers who are already connected would get errors. `are_asked_for` says whether an
/// operator has configured the number; only then a smaller number is worth a warning.
pub fn fit(connections: usize, are_asked_for: bool) -> usize {
    let Ok(limit) = rlimit::increase_nofile_limit(u64::MAX) else { return connections };
    let most = most_below(limit);
    if most < connections && are_asked_for {
        tracing::warn!(
            asked = connections,
            connections = most,
            open_files = limit,
            "the limit on open files (`ulimit -n`) is too low for `server.connections`"
        );
    }
    tracing::debug!(
        connections = connections.min(most),
        open_files = limit,
        "connections fit into the limit on open files"
    );
    connections.min(most)
}

fn most_below(limit: u64) -> usize {
    usize::try_from(limit.saturating_sub(RESERVED) / 2).unwrap_or(usize::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::most_below;

    #[test]
    fn two_files_a_connection_fit_beside_what_else_is_open() {
        for (limit, most) in [(0, 1), (64, 1), (256, 96), (1024, 480), (1_048_576, 524_256)] {
            assert_eq!(most_below(limit), most, "{limit}");
        }
    }
}
