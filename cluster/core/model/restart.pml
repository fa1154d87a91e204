/* Crashes and restarts under a new incarnation, with and without what the journal held (rules 9, 11, 13). */
#define CHANGES
#define STALE
#define DISK
#define RESTARTS 1
#include "failover.pml"
