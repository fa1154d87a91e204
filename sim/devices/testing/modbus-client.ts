import modbusSerial from "modbus-serial";

const Client = modbusSerial.default;

/** What the tests use of a `modbus-serial` client. */
export interface TestClient {
  setID(unitId: number): void;
  writeRegister(address: number, value: number): Promise<unknown>;
  writeRegisters(address: number, values: number[]): Promise<unknown>;
  writeCoil(address: number, state: boolean): Promise<unknown>;
  readHoldingRegisters(address: number, count: number): Promise<{ data: number[] }>;
  readInputRegisters(address: number, count: number): Promise<{ data: number[] }>;
  readCoils(address: number, count: number): Promise<{ data: boolean[] }>;
  close(done: () => void): void;
}

/** A client of unit 1 at a port of this machine. The caller closes it. */
export async function connectClient(port: number): Promise<TestClient> {
  const client = new Client();
  await client.connectTCP("127.0.0.1", { port });
  client.setID(1);
  client.setTimeout(5000);
  return client;
}

export async function closeClient(client: TestClient): Promise<void> {
  await new Promise<void>((resolve) => client.close(() => resolve()));
}
