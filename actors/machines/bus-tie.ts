import { createBreakerMachine } from "./breaker.ts";

/** One of the two breakers of a bus-tie, owned by one grid. The tie is closed when both are. */
export const busTieMachine = createBreakerMachine("busTie");
