/* The record names the leader alone; the other may take over stale, or be added (rules 4, 11). */
#define CHANGES
#define STALE
#define DISK
#define IN_SYNC_AT_START 1
#include "failover.pml"
