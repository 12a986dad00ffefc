"""What somebody hostile types where one line is expected."""

LINE_BREAKS = {
    "crlf": "a\r\nBcc: x@evil.example",
    "lf": "a\nBcc: x@evil.example",
    "cr": "a\rBcc: x@evil.example",
    "nul": "a\x00b",
    "escape": "a\x1b[31mb",
    "next-line": "a\x85Bcc: x@evil.example",
    "line-separator": "a\u2028Bcc: x@evil.example",
    "encoded-q": "=?utf-8?q?a=0D=0ABcc:_x=40evil.example?=",
    "encoded-b": "=?utf-8?b?SGkNCkJjYzogeEBldmlsLmV4YW1wbGU=?=",
    "encoded-utf16": "=?utf-16-be?b?AAoAQg==?=",
    "encoded-utf7": "=?utf-7?q?a+AAo-b?=",
    "encoded-twice": "=?utf-8?q?ok?= =?utf-8?q?=0ABcc:_x?=",
}
