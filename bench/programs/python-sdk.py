"""The official Python SDK under load, as in bench/programs/cloudcal.lua:

REQUESTS_CA_BUNDLE=CA_FILE SSL_CERT_FILE=CA_FILE python python-sdk.py BASE_URL CA_FILE AT_ONCE
WARM CALLS

One at a time by its blocking calls, more by those of asyncio.
"""

import asyncio
import sys
import time

import lark_oapi as lark
from lark_oapi.api.calendar.v4 import PrimaryCalendarRequest

base_url, _, at_once, warm, calls = sys.argv[1:6]
at_once, warm, calls = int(at_once), int(warm), int(calls)
client = (lark.Client.builder().app_id("cli_bench").app_secret("bench").domain(base_url)
          .enable_set_token(True).log_level(lark.LogLevel.ERROR).build())
option = lark.RequestOption.builder().tenant_access_token("t-bench").build()
request = PrimaryCalendarRequest.builder().build()
begun = done = failed = 0


def note(answer):
    global done, failed
    if not answer.success() or not answer.data.calendars[0].calendar.calendar_id:
        failed += 1
    done += 1
    if done == 1:
        print("first", flush=True)


def run_blocking(total):
    while done < total:
        note(client.calendar.v4.calendar.primary(request, option))


async def worker(total):
    global begun
    while begun < total:
        begun += 1
        note(await client.calendar.v4.calendar.aprimary(request, option))


async def run_tasks(total):
    await asyncio.gather(*(worker(total) for _ in range(at_once)))


def run(total):
    if at_once == 1:
        run_blocking(total)
    else:
        asyncio.run(run_tasks(total))


run(warm)
began, used = time.monotonic(), time.process_time()
run(warm + calls)
print(f"steady {calls} {time.monotonic() - began:.6f} {time.process_time() - used:.6f} {failed}")
sys.exit(failed != 0)
