// The official Node SDK against the sandbox: what its users do, for Feishu and for Lark.
// Run by ./run interop from the root of the clone. Prints a line for each check.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const READY = "CLOUDCAL_INTEROP_READY";
const SECONDS = 120;

// The checks ------------------------------------------------------------------------------

const silent = () => {};
const logger = { fatal: silent, error: silent, warn: silent, info: silent, debug: silent, trace: silent };

const binding = {
  admin_account: "admin@example.com",
  exchange_account: "someone@example.com",
  user_id: "ou_xxxxxxxxxxxxxxxxxx",
};

// The SDK rejects with what its HTTP library says; the service's answer is inside.
async function refused(call, status, code) {
  const problem = await call().then(() => assert.fail("this call was expected to be refused"), (e) => e);
  assert.ok(problem.response, `no answer from the service: ${problem.message}`);
  assert.deepEqual([problem.response.status, problem.response.data.code], [status, code]);
  assert.ok(problem.response.data.msg.length > 0, "there is a msg");
}

async function untilDone(look) {
  for (let i = 0; i < 100; i++) {
    const { data } = await look();
    if (data.status === "done") return data;
    assert.match(data.status, /^(doing|cal_done|timespan_done)$/);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.fail("the sync was not done in time");
}

function checksOf(lark, known) {
  const config = { appId: known.app_id, domain: known.base_url, logger };
  const client = new lark.Client({ ...config, appSecret: known.app_secret });
  const { setting, exchangeBinding, calendar } = client.calendar.v4;
  const admin = lark.withUserAccessToken(known.user_access_token);
  const member = lark.withUserAccessToken(known.member_access_token);
  const stranger = lark.withUserAccessToken("u-no-such-token");
  const state = async () => (await fetch(`${known.base_url}/_sandbox/state`)).json();
  const conf = (device_name) => ({ data: { device_name } });
  let path;

  return {
    "a user gets a CalDAV account": async () => {
      const { code, msg, data } = await setting.generateCaldavConf(conf("iPhone"), admin);
      assert.deepEqual([code, msg, data.device_name], [0, "success", "iPhone"]);
      for (const name of ["password", "user_name", "server_address"]) assert.equal(typeof data[name], "string");
    },
    "a CalDAV account needs no device name": async () => {
      const { code, data } = await setting.generateCaldavConf({ data: {} }, admin);
      assert.equal(code, 0);
      assert.ok(data.password);
    },
    "a device name of 100 characters is taken, of 101 refused": async () => {
      assert.equal((await setting.generateCaldavConf(conf("日".repeat(100)), admin)).code, 0);
      await refused(() => setting.generateCaldavConf(conf("日".repeat(101)), admin), 400, 99992402);
    },
    "an administrator binds an Exchange account": async () => {
      const { code, data } = await exchangeBinding.create({ params: { user_id_type: "open_id" }, data: binding }, admin);
      assert.equal(code, 0);
      assert.equal(data.status, "doing");
      assert.equal(data.user_id, binding.user_id);
      path = { exchange_binding_id: data.exchange_binding_id };
    },
    "an unknown administrator account is not found": () =>
      refused(() => exchangeBinding.create({ data: { ...binding, admin_account: "unknown@example.com" } }, admin), 404, 195106),
    "a member who is no administrator cannot bind": () =>
      refused(() => exchangeBinding.create({ data: binding }, member), 403, 195101),
    "the binding is read until its sync is done": async () => {
      const data = await untilDone(() => exchangeBinding.get({ path }, admin));
      assert.equal(data.exchange_binding_id, path.exchange_binding_id);
      assert.equal(data.exchange_account, binding.exchange_account);
    },
    "the binding is deleted": async () => {
      assert.equal((await exchangeBinding.delete({ path }, admin)).code, 0);
    },
    "a deleted binding is not found": () =>
      refused(() => exchangeBinding.get({ path }, admin), 404, 195103),
    "a user has a primary calendar": async () => {
      const { code, data } = await calendar.primary({ params: { user_id_type: "open_id" } }, admin);
      assert.equal(code, 0);
      assert.equal(data.calendars[0].user_id, known.open_id);
      assert.equal(data.calendars[0].calendar.type, "primary");
    },
    "the app has one, with a tenant token that the SDK fetches": async () => {
      const { code, data } = await calendar.primary();
      assert.equal(code, 0);
      assert.match(data.calendars[0].user_id, /^ou_/);
      assert.notEqual(data.calendars[0].user_id, known.open_id);
    },
    "the SDK keeps its tenant token": async () => {
      const before = (await state()).tenant_tokens;
      assert.equal((await calendar.primary({ params: { user_id_type: "union_id" } })).code, 0);
      assert.equal((await state()).tenant_tokens, before);
    },
    "an app cannot ask for a user_id": () =>
      refused(() => calendar.primary({ params: { user_id_type: "user_id" } }), 400, 190002),
    "a tenant token gets no CalDAV account": () =>
      refused(() => setting.generateCaldavConf(conf("iPhone")), 400, 99991663),
    "a tenant token binds nothing": () =>
      refused(() => exchangeBinding.create({ data: binding }), 400, 99991663),
    "an unknown user token is refused": () =>
      refused(() => calendar.primary({}, stranger), 400, 99991668),
    "a wrong app secret gets no tenant token": async () => {
      const cache = new Map();
      const other = new lark.Client({
        ...config,
        appSecret: "not-the-secret",
        cache: { get: async (key) => cache.get(key), set: async (key, value) => cache.set(key, value) },
      });
      await assert.rejects(other.calendar.v4.calendar.primary());
    },
  };
}

async function check(ready) {
  const { default: lark } = await import("@larksuiteoapi/node-sdk");
  let passed = 0;
  let failed = 0;
  for (const service of ["feishu", "lark"]) {
    for (const [name, run] of Object.entries(checksOf(lark, ready[service]))) {
      try {
        await run();
        passed += 1;
        console.log(`ok      ${service}: ${name}`);
      } catch (problem) {
        failed += 1;
        console.log(`FAILED  ${service}: ${name}\n        ${String(problem.message).replaceAll("\n", "\n        ")}`);
      }
    }
  }
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

// The sandbox, and a second Node that trusts its CA: Node reads that once, when it starts ------

function ended(child) {
  return new Promise((resolve) => child.once("exit", (status) => resolve(status ?? 1)));
}

async function withSandbox() {
  const sandbox = spawn("lua5.4", ["examples/sandbox.lua", "--sync-seconds", "0.3"], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const over = ended(sandbox);
  const { value: line } = await createInterface({ input: sandbox.stdout })[Symbol.asyncIterator]().next();
  if (!line) return over;
  const checks = spawn(process.execPath, [fileURLToPath(import.meta.url)], {
    stdio: "inherit",
    timeout: SECONDS * 1000,
    env: { ...process.env, [READY]: line, NODE_EXTRA_CA_CERTS: JSON.parse(line).ca_file, NO_PROXY: "127.0.0.1", no_proxy: "127.0.0.1" },
  });
  const status = await ended(checks);
  sandbox.stdin.end();
  await over;
  return status;
}

const ready = process.env[READY];
process.exitCode = ready ? await check(JSON.parse(ready)) : await withSandbox();
