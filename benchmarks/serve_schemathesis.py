"""Thousands of requests made from the OpenAPI document against `samekind serve`, by schemathesis.

It looks for answers of status 5xx, and for any answer that the document does not describe: another status, another
content type, other fields. 503 counts as a failure too, so the service is not overloaded on purpose. Everything goes to
127.0.0.1.

python benchmarks/serve_schemathesis.py [--cases 10000] [--gallery FILE]
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys

from serving import Service

_CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--gallery", default=None)
    arguments = parser.parse_args()
    generated, rounds = 0, 0
    with Service("--no-page", *(["--gallery", arguments.gallery] if arguments.gallery else [])) as service:
        while generated < arguments.cases and rounds < 10:
            # Of the eight operations only the four uploads have something to vary.
            examples = max(20, (arguments.cases - generated) // 4)
            result = subprocess.run(
                [
                    *(sys.executable, "-m", "schemathesis.cli", "run", f"http://127.0.0.1:{service.port}/openapi.json"),
                    *("--checks", _CHECKS, "--max-examples", str(examples), "--seed", str(rounds)),
                    *("--workers", "4", "--request-timeout", "60", "--suppress-health-check", "all"),
                    *("--no-color", "--continue-on-failure", "--generation-database", "none"),
                ],
                capture_output=True,
                text=True,
                check=False,
            )
            print(result.stdout[-3000:] if result.returncode else "", end="")
            counted = re.search(r"(\d+) generated", result.stdout)
            if result.returncode or not counted:
                raise SystemExit(f"round {rounds} failed: {result.stderr[-2000:]}")
            generated += int(counted[1])
            rounds += 1
            print(f"{generated:,} cases so far, all of them answered as the document says", flush=True)


if __name__ == "__main__":
    main()
