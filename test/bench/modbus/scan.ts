export const SCAN_MS = 100;
