"""Writing: results, rosters, senders, connections to sources, quarantine and the work that waits."""
