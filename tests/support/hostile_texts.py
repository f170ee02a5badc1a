"""Twenty texts that attackers or faulty programs might write."""

CONTENTS = {
    "script": "<script>alert('script')</script>",
    "picture that fails": "<img src=x onerror=alert('picture')>",
    "svg": "<svg onload=alert('svg')><animate onbegin=alert(1) attributeName=x></svg>",
    "frame": "<iframe src='https://elsewhere.example/'></iframe><object data='https://elsewhere.example/'></object>",
    "script address": "[press me](javascript:alert('address')) <javascript:alert(1)> [me](JaVa\tScRiPt:alert(1))",
    "data address": "[press me](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "remote picture": "![tracked](https://elsewhere.example/pixel.png?who=you)",
    "reference picture": "![tracked][p]\n\n[p]: https://elsewhere.example/pixel.png",
    "attribute": '![a" onerror="alert(1)](https://elsewhere.example/x.png" onload="alert(1))',
    "style": "<style>body{display:none}@import url(https://elsewhere.example/x.css)</style><p style='top:0'>x</p>",
    "form": "<form action='https://elsewhere.example/'><input name=password autofocus><button>Log in</button></form>",
    "own address": "[log out](/admin/logout/) [other](//elsewhere.example/) [here](../../auth/user/add/)",
    "right to left": "invoice\u202egnp.exe and \u2067hidden\u2069 \u202d",
    "zero width": "pay\u200bpal \u2060 \ufeff soft\u00adhyphen tag\U000e0041",
    "control characters": "bell\x07 escape\x1b[31m red\x1b[0m delete\x7f separator\u2028",
    "broken markdown": "**never *closed [link](http:// `code ~~gone | a |\n|-\n> > > 1. - * ```\n</div></body></html>",
    "deep": ">" * 3000 + "[" * 3000 + "*a " * 1000,
    "templates": "{{ request.user.password }} {% load static %} ${alert(1)} {{constructor.constructor('alert(1)')()}}",
    "long": "a million of them " + "x" * 1_000_000 + "\n\n<script>alert('late')</script>",
    "many marks": "Z" + "\u0301\u0300\u0316" * 500 + " ﷽ \U0001f468\u200d\U0001f469\u200d\U0001f467 नमस्ते مرحبا",
}
