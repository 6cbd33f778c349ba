import { describe, expect, it } from "vitest";
import { isPrivateHost } from "../../src/permissions/host-access.ts";
import { notingPermissions } from "./noting-permissions.ts";

/** What a provider may be handed: the rule by which, or the error's text. */
function judge(text: string, net: readonly string[] | true = []): string {
  const { permissions, uses } = notingPermissions({ net });
  try {
    permissions.checkURL(new URL(text));
  } catch (error) {
    expect(error).toMatchObject({ name: "PermissionError", code: "ERR_PERMISSION" });
    return (error as Error).message;
  }
  return uses[0]!.rule;
}

const PRIVATE_HOSTS = [
  ..."localhost LOCALHOST localhost. localhost.. a.localhost 127.0.0.1 127.0.0.1. 127.1 2130706433 0x7f000001 0x7f.1 0177.0.0.1".split(
    " ",
  ),
  ..."017700000001 0.0.0.0 0 10.1.2.3 172.16.0.1 172.31.255.255 192.168.1.1 169.254.169.254 2852039166 0xa9fea9fe".split(
    " ",
  ),
  ..."100.64.0.1 100.100.100.200 192.0.0.192 168.63.129.16 198.18.0.1 224.0.0.1 255.255.255.255".split(" "),
  ..."[::1] [::] [0:0:0:0:0:0:0:1] [fe80::1] [fd00::1] [fd00:ec2::254] [ff02::1] [fec0::1] [::127.0.0.1]".split(" "),
  ..."[::ffff:10.0.0.1] [::ffff:169.254.169.254] [::ffff:a9fe:a9fe] [0:0:0:0:0:ffff:7f00:1] [::ffff:0:7f00:1]".split(
    " ",
  ),
  ..."[64:ff9b::7f00:1] [64:ff9b:1::7f00:1] [2002:7f00:1::] [2001:0:7f00:1::]".split(" "),
  ..."printer nas.local router.lan router.home intranet.corp db.internal metadata.google.internal metadata".split(" "),
  ..."kubernetes.default.svc kubernetes.default.svc.cluster.local a.home.arpa x.localdomain x.private x.intranet".split(
    " ",
  ),
  ..."ⓛocalhost ｌｏｃａｌｈｏｓｔ loc\u00ADalhost %6c%6f%63alhost ①②⑦.⓪.⓪.① 127。0。0。1 １２７.0.0.1".split(" "),
];

describe("a URL", () => {
  it.each(PRIVATE_HOSTS)("of the private host %s is denied, and the error names the flag", (host) => {
    const { hostname } = new URL(`https://${host}/`);
    expect(isPrivateHost(hostname)).toBe(true);
    for (const net of [[], true] as const) {
      expect(judge(`https://${host}/x.png`, net)).toMatch(
        /^net access denied: .*: it is not a public host; allow it with /,
      );
    }
  });

  it.each(PRIVATE_HOSTS)("of the private host %s is granted where that host is named, in whatever way", (host) => {
    expect(judge(`https://${host}/x.png`, [host])).toBe(host);
    expect(judge(`http://${host}:8080/x.png`, [host])).toBe(host);
  });

  it.each([
    "example.com",
    "8.8.8.8",
    "172.32.0.1",
    "100.128.0.1",
    "[2606:4700::1111]",
    "local.example.com",
    "localhost.example.com",
    "xn--bcher-kva.example",
    "bücher.example",
  ])("of the public host %s is granted with https and needs a permission without", (host) => {
    expect(judge(`https://${host}/`)).toBe("public https");
    const shown = new URL(`http://${host}/`).host;
    const flag = shown.startsWith("[") ? `'--allow-net=${shown}'` : `--allow-net=${shown}`;
    expect(judge(`http://${host}/`)).toBe(
      `net access denied: ${shown}: its URL is not encrypted; allow it with ${flag}`,
    );
    expect(judge(`http://${host}/`, true)).toBe("any public host");
    expect(judge(`http://${host}/`, [host])).toBe(host);
  });

  it.each([
    ["http://example.com:8080/", "example.com"],
    ["http://example.com:8080/", "example.com:8080"],
    ["http://example.com/", "example.com:80"],
    ["https://printer/", "printer:443"],
    ["http://a.b.example.com/", "*.example.com"],
    ["http://EXAMPLE.com./", "example.COM"],
    ["http://bücher.example/", "xn--bcher-kva.example"],
    ["http://db.internal/", "*.internal"],
    ["http://[::1]:9000/", "[::1]:9000"],
    ["http://[0:0::1]:9000/", "[::1]"],
    ["http://127.1/", "2130706433"],
  ])("%s is granted by %s", (url, rule) => {
    expect(judge(url, ["unrelated.example", rule])).toBe(rule);
  });

  it.each([
    ["http://example.org/", "example.com"],
    ["http://notexample.com/", "*.example.com"],
    ["http://example.com/", "*.example.com"],
    ["http://example.com.evil.example/", "example.com"],
    ["http://example.com:8081/", "example.com:8080"],
    ["http://example.com:8080/", "example.com:80"],
    ["http://127.0.0.1/", "localhost"],
    ["http://127.0.0.2/", "127.0.0.1"],
  ])("%s is not granted by %s", (url, rule) => {
    expect(judge(url, [rule])).toMatch(/^net access denied: /);
  });

  it("with a name or a password is denied, and no flag would help", () => {
    for (const url of ["https://a:b@example.com/", "https://a@example.com/", "https://example.com@127.0.0.1/"]) {
      expect(judge(url, [new URL(url).host])).toMatch(/its URL holds credentials; remove them$/);
    }
  });

  it("names the port that was asked for, and nothing narrower helps", () => {
    expect(judge("http://printer:631/x")).toMatch(/allow it with --allow-net=printer:631$/);
    expect(judge("http://printer:631/x", ["printer:631"])).toBe("printer:631");
  });
});

describe("a host to allow", () => {
  it.each([
    "https://example.com",
    "example.com/path",
    "a b",
    "*",
    "*.",
    "*.*.example.com",
    "a@example.com",
    "example.com:99999",
    "*.127.0.0.1",
    "*.1",
    "*.[::1]",
    "?",
    ".",
    "%",
  ])("is not %s", (text) => {
    expect(() => notingPermissions({ net: [text] })).toThrow(
      expect.objectContaining({ name: "ConfigError", message: expect.stringContaining("Cannot allow the host") }),
    );
  });
});
