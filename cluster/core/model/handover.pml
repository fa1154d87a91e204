/* Planned handover, called off, completed, or taken back (rules 12 and 14, "Planned handover"). */
#define HANDOVERS
#include "failover.pml"
