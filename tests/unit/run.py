# Runs one test function of a script. Arguments: the project's folder, the script's folder, its name, the function.
import sys

sys.path[0:1] = sys.argv[1:3]
function = getattr(__import__(sys.argv[3]), sys.argv[4])
result = function()
if hasattr(result, "send"):
    import asyncio

    asyncio.run(result)
