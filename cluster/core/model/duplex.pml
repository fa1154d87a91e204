/* A leader and its standbys, all in sync: heartbeats, frames, promises, takeovers of known and unknown outcome (rules 1, 2, 3, 9, 14). */
#include "failover.pml"
