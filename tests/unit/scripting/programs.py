"""Random Lua programs from a grammar: they call everything that a script can reach with values that hurt."""

from __future__ import annotations

from random import Random

NAMES = [
    *(
        f"string.{name}"
        for name in [
            "byte",
            "char",
            "dump",
            "find",
            "format",
            "gfind",
            "gmatch",
            "gsub",
            "len",
            "lower",
            "match",
            "rep",
            "reverse",
            "sub",
            "upper",
        ]
    ),
    *(f"table.{name}" for name in ["concat", "foreach", "foreachi", "getn", "insert", "maxn", "remove", "sort"]),
    *(
        f"math.{name}"
        for name in [
            "abs",
            "ceil",
            "floor",
            "fmod",
            "frexp",
            "huge",
            "ldexp",
            "max",
            "min",
            "modf",
            "pow",
            "random",
            "randomseed",
            "sqrt",
        ]
    ),
    *(f"coroutine.{name}" for name in ["create", "resume", "running", "status", "wrap", "yield"]),
    *(
        f"cjson.{name}"
        for name in ["encode", "decode", "new", "encode_sparse_array", "encode_max_depth", "decode_max_depth"]
    ),
    *(f"cmsgpack.{name}" for name in ["pack", "unpack", "unpack_one", "unpack_limit"]),
    *("struct.pack", "struct.unpack", "struct.size"),
    *(
        f"bit.{name}"
        for name in [
            "tobit",
            "tohex",
            "bnot",
            "band",
            "bor",
            "bxor",
            "lshift",
            "rshift",
            "arshift",
            "rol",
            "ror",
            "bswap",
        ]
    ),
    *[
        "assert",
        "error",
        "getmetatable",
        "ipairs",
        "load",
        "loadstring",
        "next",
        "pairs",
        "pcall",
        "rawequal",
        "rawget",
        "rawset",
        "select",
        "setmetatable",
    ],
    *["tonumber", "tostring", "type", "unpack", "xpcall", "gcinfo", "collectgarbage"],
]
CONSTANTS = [
    *[
        "nil",
        "true",
        "false",
        "0",
        "1",
        "2",
        "-1",
        "3",
        "10",
        "255",
        "256",
        "65536",
        "2^31",
        "2^31-1",
        "-2^31",
        "2^32",
        "2^53",
        "2^63",
        "-2^63",
        "1e308",
        "1/0",
        "-1/0",
        "0/0",
        "0.5",
        "-0.0",
    ],
    *(
        "''",
        "'a'",
        "'abc'",
        "'%s%d'",
        "'%5.99s'",
        "'%99d'",
        "'%q'",
        "'k'",
        "'__index'",
        "'\\0'",
        "'\\27Lua'",
        "'\\255\\0'",
        "'n'",
        "'v'",
    ),
    *(
        "('a'):rep(1000)",
        "('ab'):rep(1e5)",
        "('('):rep(300)",
        "('a?'):rep(50)",
        "('\\145'):rep(500)",
        "('['):rep(2000)",
        "('{\"a\":'):rep(900)",
    ),
    *(
        "'(a*)(b-)%1'",
        "'.-.-.-.-x'",
        "'%b()'",
        "'%f[%w]%w+'",
        "'[^a]*a?'",
        "'(()'",
        "'%'",
        "'[a'",
        "'^(.*)$'",
        "'a*a*a*b'",
        "'x-$'",
    ),
    *(
        "'return 1'",
        "'return ...'",
        "'local a <'",
        "'error({})'",
        "'[1,{\"a\":null}]'",
        "'\"\\\\u12\"'",
        "'!8bi3d'",
        "'c0s'",
        "'bbbbbbbb'",
    ),
    *("{}", "{1,2,3}", "{{}}", "{a={b=1}}", "{1,nil,3}", "cjson.null", "string", "_G", "print", "KEYS"),
]
VARIABLES = list("abcde")


class Program:
    """Writes one program; all its choices come from the seed."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)

    def text(self) -> str:
        body = self.block(self.random.randint(2, 8), 3)
        return "local a, b, c, d, e = 1, 'b', {}, nil, function(...) return ... end\n" + body + "\nreturn a, b"

    def block(self, count: int, depth: int) -> str:
        return "\n".join(self.statement(depth) for _ in range(count))

    def value(self, depth: int) -> str:
        random = self.random
        kind = random.random()
        if depth <= 0 or kind < 0.4:
            return random.choice(CONSTANTS)
        if kind < 0.65:
            return random.choice(VARIABLES)
        if kind < 0.8:
            return self.call(depth - 1)
        if kind < 0.86:
            return f"function({random.choice(['', '...', 'a', 'a, b', 'a, b, ...', 'a,b,c,d,e,f,...'])}) {self.block(1, depth - 1)} return {self.value(depth - 1)} end"
        if kind < 0.92:
            operator = random.choice(["+", "-", "*", "/", "%", "^", "..", "==", "<", "and", "or"])
            return f"({self.value(depth - 1)} {operator} {self.value(depth - 1)})"
        if kind < 0.95:
            return f"({random.choice(['not ', '-', '#'])}{self.value(depth - 1)})"
        return f"{{{self.value(depth - 1)}, [{self.value(depth - 1)}] = {self.value(depth - 1)}, k = {self.value(depth - 1)}}}"

    def call(self, depth: int) -> str:
        random = self.random
        arguments = ", ".join(self.value(depth) for _ in range(random.randint(0, 4)))
        kind = random.random()
        if kind < 0.6:
            return f"{random.choice(NAMES)}({arguments})"
        if kind < 0.8:
            return f"pcall({random.choice(NAMES)}{', ' if arguments else ''}{arguments})"
        if kind < 0.9:
            method = random.choice(["rep", "gsub", "find", "match", "format", "byte", "sub", "gmatch"])
            return f"({self.value(depth)}):{method}({arguments})"
        return f"{random.choice(VARIABLES)}({arguments})"

    def statement(self, depth: int) -> str:
        random = self.random
        kind = random.random()
        variable = random.choice(VARIABLES)
        if depth <= 0 or kind < 0.4:
            return f"{variable} = {self.value(depth)}"
        if kind < 0.6:
            return f"pcall(function(...) {self.block(2, depth - 1)} return {self.call(depth - 1)} end, {self.value(depth - 1)})"
        if kind < 0.68:
            return f"for i = 1, {random.choice(['3', '10', '1e9', '0/0'])} do {self.block(1, depth - 1)} if i > 50 then break end end"
        if kind < 0.74:
            return f"if type({variable}) == 'table' then {variable}[{self.value(1)}] = {self.value(depth - 1)} end"
        if kind < 0.8:
            event = random.choice(
                [
                    "__index",
                    "__newindex",
                    "__call",
                    "__tostring",
                    "__add",
                    "__concat",
                    "__eq",
                    "__lt",
                    "__len",
                    "__gc",
                    "__mode",
                    "__metatable",
                ]
            )
            return f"pcall(setmetatable, {variable}, {{{event} = {self.value(depth - 1)}}})"
        if kind < 0.86:
            return f"{variable} = coroutine.wrap(function(...) {self.block(1, depth - 1)} coroutine.yield({self.value(1)}) return {self.value(depth - 1)} end)"
        if kind < 0.9:
            return f"local function f(...) {self.block(1, depth - 1)} return f({self.value(1)}) end pcall(f)"
        if kind < 0.93:
            return f"while {self.value(1)} do {self.block(1, depth - 1)} end"
        if kind < 0.97:
            return f"local {variable} = {self.value(depth - 1)}"
        return f"{variable} = loadstring({self.value(1)} .. '', {self.value(1)})"


def program(seed: int) -> str:
    return Program(seed).text()
