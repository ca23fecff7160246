# A task of its own that says once how much heap the idle firmware uses, itself included.
import asyncio
import gc
import sys


async def tell(at):
    await asyncio.sleep_ms(500)
    sys.modules.pop("commands", None)
    gc.collect()
    print("idle:", gc.mem_alloc())


TASKS = (tell,)
