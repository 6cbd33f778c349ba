import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createScriptPool } from "./script-pool.ts";
import { Service } from "./service.ts";
import { readTenants } from "./tenants.ts";

const { PORT = "3000", TENANTS = "{}", POOL_SIZE = "2", WALL_MS = "30000", DRAIN_MS = "10000" } = process.env;

const pool = createScriptPool({ size: Number(POOL_SIZE), wallMs: Number(WALL_MS) });
const service = new Service(pool, readTenants(TENANTS));
const server = createServer((request, response) => void service.answer(request, response));

server.listen(Number(PORT), () => {
  console.log(`Listening on port ${(server.address() as AddressInfo).port}`);
});

async function stop(): Promise<void> {
  await service.stop(Number(DRAIN_MS));
  server.close();
}

process.once("SIGTERM", () => void stop());
