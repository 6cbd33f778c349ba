import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { JobService } from "./service.ts";

const { PORT = "3000", NATS = "127.0.0.1:4222", TENANTS = "{}" } = process.env;

const service = new JobService({ servers: NATS }, JSON.parse(TENANTS) as Record<string, string>);
const server = createServer((request, response) => void service.answer(request, response));

server.listen(Number(PORT), "127.0.0.1", () => {
  console.log(`Listening on port ${(server.address() as AddressInfo).port}`);
});

process.once("SIGTERM", () => {
  server.close();
  server.closeAllConnections();
});
