import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { detectImage, MAX_IMAGE_BYTES } from "../../src/images/image-format.ts";
import { parseImageData, parseImageURL } from "../../src/images/image-url.ts";
import type { Permissions } from "../../src/permissions/permissions.ts";
import { notingPermissions } from "../permissions/noting-permissions.ts";
import { gif, jpeg, png, webp } from "./sample-images.ts";

const SAMPLES = [
  ["PNG", "image/png", png()],
  ["JPEG", "image/jpeg", jpeg()],
  ["WebP", "image/webp", webp()],
  ["GIF", "image/gif", gif()],
] as const;

const nothing = (): Permissions => notingPermissions({}).permissions;

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
    expect(parseImageURL("https://example.com/a%20b.JPG?x=1", nothing())).toEqual({
      url: "https://example.com/a%20b.JPG?x=1",
      name: "a b.JPG",
      mediaType: "image/jpeg",
    });
    expect(parseImageURL("https://example.com", nothing()).mediaType).toBe("");
  });

  it("gives a provider the URL that was judged, whatever way it was written", () => {
    expect(parseImageURL("HTTPS:\\\\ex\tample.com\\a.png", nothing()).url).toBe("https://example.com/a.png");
  });

  it.each(["https://", "https://exa mple.com/", "https://[fe80::1%25eth0]/"])("refuses %s, which is no URL", (text) => {
    expect(() => parseImageURL(text, nothing())).toThrow("unsupported image format: the URL cannot be read");
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
