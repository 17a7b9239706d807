"""Texts that break out of careless quoting; each that a shell would run makes the canary file.

Whoever passes text to a shell, ssh, sudo or REST sends these and looks that they arrive as they
are, and that no file called ``CANARY`` appeared.
"""

from __future__ import annotations

CANARY = "canary"

HOSTILE_TEXTS = (
    # command substitution and separators
    f"$(touch {CANARY})",
    f"`touch {CANARY}`",
    f"; touch {CANARY} ;",
    f"&& touch {CANARY}",
    f"|| touch {CANARY}",
    f"| touch {CANARY}",
    f"& touch {CANARY} &",
    f"a\ntouch {CANARY}\n",
    f"a\rtouch {CANARY}",
    f"> {CANARY}",
    f">{CANARY}",
    f"<(touch {CANARY})",
    # out of quotes and back
    f"'; touch {CANARY}; '",
    f'"; touch {CANARY}; "',
    f"'\"'; touch {CANARY} #",
    f"\\'; touch {CANARY}; \\'",
    f'\\"$(touch {CANARY})\\"',
    f"$'\\n'touch {CANARY}",
    f"'\n touch {CANARY}\n'",
    f"') touch {CANARY} ;;",
    f"}}\ntouch {CANARY}\n{{",
    f";; *) touch {CANARY} ;; esac",
    # out of here-documents
    f"EOF\ntouch {CANARY}\nEOF",
    f"QUEUECAST_END\ntouch {CANARY}",
    f"QUEUECAST_END_\nQUEUECAST_END\ntouch {CANARY}\n",
    # directives of sbatch and of those that it translates
    " \n#SBATCH --uid=0",
    "x\n#SBATCH --wrap=id\n#SBATCH --export=ALL",
    "x\n#PBS -u root\n#PBS -q other",
    "x\n#BSUB -q other",
    "x\r\n#SBATCH --uid=0\r\n\r\n",
    "\n#PBS -u root\n\n#PBS\n",
    "x\nhetjob",
    "hetjob",
    "#SBATCH --gid=0",
    # options
    "-",
    "--",
    "-rf",
    "--uid=0",
    "-oProxyCommand=touch canary",
    "--wrap=id",
    "a --uid=0",
    "a\t--uid=0",
    # what shells, sbatch and printf expand
    "$IFS",
    "${IFS}x$HOME",
    "$((1/0))",
    "~root",
    "*",
    "[a-z]?{a,b}",
    "!!",
    "a=b",
    "%j %s %n %%",
    "%",
    "\\",
    "\\\\",
    "\\n\\0\\c\\x41",
    "trailing \\",
    "# comment",
    "a # b",
    "a#b",
    "''",
    '""',
    "'",
    '"',
    # blanks
    " ",
    "  two  blanks  ",
    "\t",
    "\n",
    "ends\n\n",
    "\nbegins",
    "\v\f",
    "\x1b[2J\x07\x7f",
    # of the tracker's own delimiters
    "\x1f",
    "a|b,c:d",
    # characters of several bytes, some of which old shells keep for themselves (0x81 to 0x88)
    "Grüße ∑ 模型 🚀",
    "ā\u0101\u0102\u0103\u0104\u0105\u0106\u0107\u0108 ˁ˂˃˄˅ˆˇˈ",
    "\u2028\u2029\u0085\u00a0\ufeff",
    "\u202egnp.exe",
    "e\u0301\u200d",
    "x" * 255,
    "very long " * 2_000,
)

# No argument, variable, file name or script can hold these.
UNSENDABLE_TEXTS = (
    "\0",
    f"a\0; touch {CANARY}",
    "\ud800",
    "half \udfff a character",
)
