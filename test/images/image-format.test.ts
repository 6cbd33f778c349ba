import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { detectImage, MAX_IMAGE_BYTES } from "../../src/images/image-format.ts";
import { isPrivateHost, parseImageData, parseImageURL } from "../../src/images/image-url.ts";
import { gif, jpeg, png, webp } from "./sample-images.ts";

const SAMPLES = [
  ["PNG", "image/png", png()],
  ["JPEG", "image/jpeg", jpeg()],
  ["WebP", "image/webp", webp()],
  ["GIF", "image/gif", gif()],
] as const;

describe("detectImage()", () => {
  it.each(SAMPLES)("knows a whole %s, also with bytes after its end", (_, mediaType, bytes) => {
    expect(detectImage(bytes, "x")).toBe(mediaType);
    expect(detectImage(Buffer.concat([bytes, Buffer.alloc(9)]), "x")).toBe(mediaType);
  });

  it.each(SAMPLES)("refuses a %s that breaks off, wherever that is", (name, _, bytes) => {
    for (let length = 0; length < bytes.length; length++) {
      expect(() => detectImage(bytes.subarray(0, length), "x"), `${name} of ${length} bytes`).toThrow(
        /^unsupported image format: x /,
      );
    }
  });

  it.each(["", "BM", "<svg xmlns='x'/>", "%PDF-1.7", "\u0000\u0000\u0001\u0000"])("refuses %j", (text) => {
    expect(() => detectImage(Buffer.from(text), "x.png")).toThrow(
      "unsupported image format: x.png is neither PNG, JPEG, WebP nor GIF",
    );
  });

  it("takes 20 MB and refuses one byte more", () => {
    const padding = MAX_IMAGE_BYTES - png().length - 12;
    expect(detectImage(png(padding), "x")).toBe("image/png");
    expect(() => detectImage(png(padding + 1), "x")).toThrow("image size exceeds 20MB limit");
  });

  it("comes to an end on any bytes behind any beginning", () => {
    const heads = SAMPLES.map(([, , bytes]) => bytes.subarray(0, 16));
    fc.assert(
      fc.property(fc.constantFrom(...heads), fc.uint8Array({ maxLength: 300 }), (head, tail) => {
        try {
          detectImage(Buffer.concat([head, tail]), "x");
        } catch (error) {
          expect((error as Error).message).toMatch(/^unsupported image format/);
        }
      }),
    );
  });
});

describe("parseImageURL()", () => {
  it("keeps a public https URL, with the name and the type that it tells", () => {
    expect(parseImageURL("https://example.com/a%20b.JPG?x=1", [])).toEqual({
      url: "https://example.com/a%20b.JPG?x=1",
      name: "a b.JPG",
      mediaType: "image/jpeg",
    });
    expect(parseImageURL("https://example.com", []).mediaType).toBe("");
  });

  it.each(
    "localhost LOCALHOST localhost. a.localhost 127.0.0.1 127.1 2130706433 0x7f.1 0.0.0.0 10.1.2.3 172.16.0.1 172.31.255.255 192.168.1.1 169.254.169.254 100.64.0.1 [::1] [::] [fe80::1] [fd00::1] [::ffff:10.0.0.1] [::ffff:169.254.169.254] [64:ff9b::7f00:1] printer nas.local db.internal metadata.google.internal".split(
      " ",
    ),
  )("refuses the private host %s with the flag to pass", (host) => {
    expect(isPrivateHost(new URL(`https://${host}/`).hostname)).toBe(true);
    expect(() => parseImageURL(`https://${host}/x.png`, [])).toThrow(
      expect.objectContaining({ name: "PermissionError", message: expect.stringContaining("--allow-net=") }),
    );
    expect(() => parseImageURL(`https://${host}/x.png`, true)).toThrow(/no public host/);
  });

  it.each(["example.com", "8.8.8.8", "172.32.0.1", "[2606:4700::1111]", "local.example.com"])(
    "takes the public host %s",
    (host) => {
      expect(parseImageURL(`https://${host}/`, []).url).toBe(`https://${host}/`);
    },
  );

  it("takes http only from hosts that are allowed by name", () => {
    expect(() => parseImageURL("http://example.com/x.png", [])).toThrow(/--allow-net=example\.com/);
    expect(() => parseImageURL("http://example.org/x.png", ["example.com"])).toThrow(/--allow-net/);
    for (const net of [["example.com"], ["*.com"], ["example.com:8080"], true] as const) {
      expect(parseImageURL("http://example.com:8080/x.png", net).mediaType).toBe("image/png");
    }
    expect(parseImageURL("http://127.0.0.1:8080/x.png", ["127.0.0.1"]).url).toBe("http://127.0.0.1:8080/x.png");
  });

  it("refuses a URL with a name and a password", () => {
    expect(() => parseImageURL("https://a:b@example.com/", [])).toThrow(/name and a password/);
  });
});

describe("parseImageData()", () => {
  it("takes base64 of the four formats and puts a wrong type right", () => {
    const body = gif().toString("base64");
    expect(parseImageData(`data:image/png;base64,${body}`)).toEqual({
      url: `data:image/gif;base64,${body}`,
      name: "",
      mediaType: "image/gif",
    });
  });

  it.each([
    "data:",
    "data:,x",
    "data:image/png,x",
    "data:image/png;base64,",
    "data:image/png;base64,!!!!",
    "data:image/svg+xml;base64,PHN2Zy8+",
    "data:text/html;base64,PHA+",
  ])("refuses %s", (url) => {
    expect(() => parseImageData(url)).toThrow(/^unsupported image format: /);
  });
});
