"""Configure, build and run the kernel's C++ tests: `native_tests.py FOLDER [--sanitize]`."""

from __future__ import annotations

import argparse
import subprocess
import sys
import sysconfig
from pathlib import Path

from tools import environment

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = Path(sysconfig.get_path("scripts"))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sanitize", action="store_true")
    asked = parser.parse_args()
    compiler = environment.find_compiler() or environment.make_zig_compiler()
    configure = [
        *("cmake", "-S", "native", "-B", asked.folder, "-G", "Ninja"),
        f"-DCMAKE_MAKE_PROGRAM={SCRIPTS / 'ninja'}",  # few machines have one on their PATH
        "-DALGOTRADER_NATIVE_TESTS=ON",
        f"-DALGOTRADER_SANITIZE={'ON' if asked.sanitize else 'OFF'}",
        f"-DCMAKE_CXX_COMPILER={compiler['CXX']}",
    ]
    commands = (
        configure,
        ["cmake", "--build", asked.folder, "--parallel", "2"],
        ["ctest", "--test-dir", asked.folder, "--output-on-failure", "--no-tests=error"],
    )
    for command in commands:
        code = quiet_unless_failed(command)
        if code:
            return code
    print(f"native tests passed in {asked.folder}")
    return 0


def quiet_unless_failed(command: list[object]) -> int:
    tool, *arguments = (str(part) for part in command)
    done = subprocess.run(
        [str(SCRIPTS / tool), *arguments], cwd=ROOT, text=True, capture_output=True, check=False
    )
    if done.returncode:
        sys.stderr.write(done.stdout + done.stderr)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
