import { createBreakerMachine } from "./breaker.ts";

/** A feeder of consumers: its breaker is opened and closed on request. */
export const feederMachine = createBreakerMachine("feeder");
