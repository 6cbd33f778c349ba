import { randomBytes, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";

const TOKEN_BYTES = 24;

/**
 * Who may ask the server: a browser on this machine that was given the address, and no page but the server's own. The
 * address holds a token that nobody can guess. The name under which it was asked must be the loopback's, since a foreign
 * name can be made to lead here; and what changes something must come from a page of its own.
 */
export class ServeGuard {
  readonly #token: string = randomBytes(TOKEN_BYTES).toString("base64url");
  /** Known when it listens. */
  port = 0;

  get address(): string {
    return `http://127.0.0.1:${this.port}/${this.#token}/`;
  }

  /** What is asked for, behind the token; or the status with which it is refused. */
  admit({ method, url = "", headers }: IncomingMessage): string | number {
    const { host, origin } = headers;
    const site = headers["sec-fetch-site"];
    if (host !== `127.0.0.1:${this.port}` && host !== `localhost:${this.port}`) return 403;
    if (origin !== undefined && origin !== `http://${host}`) return 403;
    const [, token = "", way = ""] = /^\/([^/?#]*)\/?([^?#]*)$/.exec(url) ?? [];
    if (!this.#isToken(token)) return 404;
    if (method === "GET") return way;
    if (method !== "POST") return 405;
    const isOwn = origin !== undefined && (site === undefined || site === "same-origin");
    if (!isOwn) return 403;
    return headers["content-type"] === "application/json" ? way : 415;
  }

  #isToken(given: string): boolean {
    const [own, other] = [Buffer.from(this.#token), Buffer.from(given)];
    return own.length === other.length && timingSafeEqual(own, other);
  }
}
