/* The leader changes the in-sync set, alone it renews the record; every outcome may be unknown (rules 3, 4, 7, 8). Nobody takes over stale. */
#define CHANGES
#include "failover.pml"
