import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";

const TOKEN_BYTES = 24;

/**
 * Who may ask the server: programs on this machine that know its token, which its address holds, or a header. It must be
 * asked under a name of the loopback's, since a foreign name can be made to lead here, and by no page of another origin.
 */
export class HttpGuard {
  readonly token: string = randomBytes(TOKEN_BYTES).toString("base64url");
  /** Known when it listens. */
  port = 0;

  get address(): string {
    return `http://127.0.0.1:${this.port}/${this.token}/mcp`;
  }

  /** The status with which a request is refused; undefined for one that may go on. */
  refusal({ url = "", headers }: IncomingMessage): number | undefined {
    const { host, origin, authorization = "" } = headers;
    const hosts = ["127.0.0.1", "localhost", "[::1]"].map((name) => `${name}:${this.port}`);
    if (host === undefined || !hosts.includes(host)) return 403;
    if (origin !== undefined && !hosts.some((own) => origin === `http://${own}`)) return 403;
    const [, inAddress, way = ""] = /^(?:\/([^/?#]+))?\/(mcp)\/?(?:\?.*)?$/.exec(url) ?? [];
    if (way !== "mcp") return 404;
    if (inAddress !== undefined) return this.#isToken(inAddress) ? undefined : 404;
    const [, given = ""] = /^Bearer (.+)$/i.exec(authorization) ?? [];
    return this.#isToken(given) ? undefined : 401;
  }

  #isToken(given: string): boolean {
    const hash = (text: string): Buffer => createHash("sha256").update(text).digest();
    return timingSafeEqual(hash(given), hash(this.token));
  }
}
