// The official Node SDK under load, as in bench/programs/cloudcal.lua:
//
//   NODE_EXTRA_CA_CERTS=CA_FILE node node-sdk.mjs BASE_URL CA_FILE AT_ONCE WARM CALLS

import * as lark from "@larksuiteoapi/node-sdk";

const [baseUrl, , atOnce, warm, calls] = process.argv.slice(2);
const client = new lark.Client({
  appId: "cli_bench",
  appSecret: "bench",
  domain: baseUrl,
  disableTokenCache: true,
  loggerLevel: lark.LoggerLevel.error,
});
const token = lark.withTenantToken("t-bench");
let begun = 0;
let done = 0;
let failed = 0;

async function call() {
  try {
    const answer = await client.calendar.v4.calendar.primary({}, token);
    if (!answer.data.calendars[0].calendar.calendar_id) failed++;
  } catch {
    failed++;
  }
  if (++done === 1) process.stdout.write("first\n");
}

async function worker(total) {
  while (begun < total) {
    begun++;
    await call();
  }
}

async function run(total) {
  await Promise.all(Array.from({ length: Number(atOnce) }, () => worker(total)));
}

await run(Number(warm));
const began = process.hrtime.bigint();
const before = process.cpuUsage();
await run(Number(warm) + Number(calls));
const seconds = Number(process.hrtime.bigint() - began) / 1e9;
const used = process.cpuUsage(before);
console.log(`steady ${calls} ${seconds.toFixed(6)} ${((used.user + used.system) / 1e6).toFixed(6)} ${failed}`);
process.exit(failed === 0 ? 0 : 1);
