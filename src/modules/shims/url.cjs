const legacy = require("url/");

/** Only names without a host's part are files of this machine. */
function fileURLToPath(given) {
  const url = new URL(given);
  if (url.protocol !== "file:") throw new TypeError("The URL must be of scheme file");
  return decodeURIComponent(url.pathname);
}

function pathToFileURL(path) {
  const url = new URL("file:///");
  url.pathname = path.replaceAll("%", "%25").replaceAll("\\", "%5C");
  return url;
}

const hostOf = (domain) => URL.parse(`http://${domain}`)?.hostname ?? "";

module.exports = {
  ...legacy,
  URL,
  URLSearchParams,
  fileURLToPath,
  pathToFileURL,
  domainToASCII: hostOf,
  domainToUnicode: hostOf,
  urlToHttpOptions: ({ protocol, hostname, port, pathname, search, hash, href }) => ({
    protocol,
    hostname,
    ...(port === "" ? {} : { port: Number(port) }),
    path: `${pathname}${search}`,
    pathname,
    search,
    hash,
    href,
  }),
};
