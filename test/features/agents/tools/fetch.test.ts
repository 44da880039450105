import assert from "node:assert/strict";
import type { LookupAddress, lookup } from "node:dns";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import { checkedLookup, fetchText } from "../../../../src/features/agents/tools/fetch.ts";
import { plainText } from "../../../../src/features/agents/tools/plain-text.ts";
import { isPublicAddress } from "../../../../src/platform/public-address.ts";

const reached: string[] = [];
const site = createServer((request, response) => {
  reached.push(request.url ?? "");
  if (request.url === "/metadata-redirect")
    response.writeHead(302, { location: "http://169.254.169.254/latest/meta-data/" }).end();
  else if (request.url === "/loopback-redirect")
    response.writeHead(307, { location: `http://localhost:${port}/secret` }).end();
  else if (request.url === "/round") response.writeHead(302, { location: "/round" }).end();
  else if (request.url === "/large") response.end("x".repeat(3 * 2 ** 20));
  else if (request.url === "/image") response.writeHead(200, { "content-type": "image/png" }).end("x");
  else
    response
      .writeHead(200, { "content-type": "text/html" })
      .end("<html><script>steal()</script><p>Yews &amp; oaks<p>grow</html>");
});
let port: number;
before(async () => {
  site.listen(0, "127.0.0.1");
  await once(site, "listening");
  ({ port } = site.address() as AddressInfo);
});
after(() => {
  site.closeAllConnections();
  site.close();
});

const signal = new AbortController().signal;
const all = { allowed: ["*"], private: [] };
/** As an operator names a host of the own network. */
const own = { allowed: [], private: ["127.0.0.1"] };

test("no address of this machine or network is reached, however it is written", async () => {
  const hosts = [
    "127.0.0.1",
    "2130706433",
    "0x7f000001",
    "0177.0.0.1",
    "127.1",
    "0",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "[fe80::1]",
    "[fd00::1]",
    "10.0.0.1",
    "172.31.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "localhost",
  ];
  reached.length = 0;
  for (const host of hosts)
    await assert.rejects(
      fetchText(`https://${host}/`, all, signal),
      /not an address of the public internet/,
      host,
    );
  for (const url of [
    `http://127.0.0.1:${port}/`,
    `https://127.0.0.1:${port}/`,
    "https://u:p@example.org/",
    "file:///etc/passwd",
    "ftp://example.org/",
  ])
    await assert.rejects(fetchText(url, all, signal), /Only https|no URL|name and a password/, url);
  await assert.rejects(
    fetchText("https://example.org/", { ...all, allowed: ["*.example.org"] }, signal),
    /not among/,
  );
  assert.deepEqual(reached, []);
});

test("a redirect is checked as the URL was, and leads no further than a few steps", async () => {
  reached.length = 0;
  const at = (path: string) => fetchText(`http://127.0.0.1:${port}${path}`, own, signal);
  await assert.rejects(at("/metadata-redirect"), /not among the hosts/);
  await assert.rejects(at("/loopback-redirect"), /not among the hosts/);
  await assert.rejects(at("/round"), /more than 5 redirects/);
  await assert.rejects(at("/large"), /more than 2097152 bytes/);
  await assert.rejects(at("/image"), /image\/png, and no text/);
  assert.ok(!reached.includes("/secret"));
  assert.equal(await at("/page"), "Yews & oaks\ngrow");
});

/** A name server whose answers change from one question to the next. */
function changing(...answers: readonly LookupAddress[][]): typeof lookup {
  let at = 0;
  const fake = (_name: string, _options: object, done: (error: null, found: LookupAddress[]) => void) =>
    done(null, answers[Math.min(at++, answers.length - 1)] ?? []);
  return fake as unknown as typeof lookup;
}

test("a name is looked up once for a connection, and any private address among its own is too many", () => {
  const open: LookupAddress = { address: "93.184.215.14", family: 4 };
  const closed: LookupAddress = { address: "127.0.0.1", family: 4 };
  const look = (resolve: typeof lookup) => {
    let outcome: unknown;
    checkedLookup(false, resolve)("rebinding.example", { all: true }, (error, found) => {
      outcome = error ?? found;
    });
    return outcome;
  };
  // What is checked is what the socket is given: a name server that answers otherwise afterwards changes nothing.
  assert.deepEqual(look(changing([open], [closed])), [open]);
  assert.ok(look(changing([closed], [open])) instanceof Error);
  assert.ok(look(changing([open, closed])) instanceof Error);
});

test("public addresses are told from all others", () => {
  for (const address of ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111"])
    assert.ok(isPublicAddress(address), address);
  for (const address of ["::ffff:8.8.8.8", "2001:db8::1", "ff02::1", "224.0.0.1", "255.255.255.255"])
    assert.ok(!isPublicAddress(address), address);
});

test("a page is read without its markup", () => {
  assert.equal(
    plainText(
      "<style>p{}</style><h1>A</h1><ul><li>b &lt; c<li>d&#33;</ul><!-- no --><svg><text>x</text></svg>",
    ),
    "A\nb < c\nd!",
  );
});
