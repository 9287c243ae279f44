# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Files of YAML without their values: `masked FILE...` writes them line by line, each key as it stands, and for each
# value a word that says nothing. What it does not understand is taken for a value. So a file that may hold passwords is read
# on the controller, by a real parser, and no value leaves the board.
# A key is what stands before a colon where a key may stand; a login in it is left out.
# Of manifests more is shown: $shown_keys is a pattern of keys whose values are, where these look like names. What stands
# in a block below a key of $inner_keys is YAML by itself. Each file begins with a line of $marked and its name, and of
# the comments those of riscv.k3s stay. Without these variables all is hidden.
# A line with an end that only YAML knows (a bare CR, NEL, LS, PS), or one of braces that would take an old awk minutes,
# ends the file: a line with ! in place of the last character of $marked tells it.
# shellcheck shell=sh disable=SC2016,SC2154 # the dollars are awk's; variables may be unset

masked() {
    awk -v shown="$shown_keys" -v inner_keys="$inner_keys" -v marked="$marked" '
    function put(text) { out = out text }
    # Files that hold nothing have no lines, but a mark.
    function marks(file) {
        while (marked != "" && at < ARGC - 1 && ARGV[at] != file) print marked ARGV[++at]
    }
    function end_file(    mark) {
        mark = marked
        sub(/.$/, "!lines 0 ", mark)
        print (marked == "" ? "hidden0" : mark FILENAME)
        ended = 1
    }
    # A value: as it stands where its key is one of those that are shown, and it is empty or looks like a name.
    function scalar(text) {
        # What stands for no value is none, and tells nothing.
        if (text ~ /^(~|null|Null|NULL)$/) { put(text); last = ""; return }
        # To some awks a backslash in brackets is a character.
        shows = shown != "" && last ~ shown && !index(text, "\\")
        put(shows && text ~ /^([A-Za-z0-9.%{}_~\/:+-]+(@sha256:[0-9a-f]+)?)?$/ ? text : "hidden0")
        last = ""
    }
    function name_of(key, quote) {
        last = key
        sub(/.*@/, "hidden@", key)
        # In a manifest, what has blanks or colons in it is no key: somebody forgot quotes around a value.
        if (shown != "" && key !~ /^[][A-Za-z0-9_.%{}<$@~*\/\\-]+$/) key = "hidden0"
        if (shown != "" && quote == "\"" && index(key, "\\")) key = "hidden0"
        put(quote key quote ":")
    }
    # After the quote at which text begins: sets inner and rest, and returns 0 where it does not end in this line.
    function quoted(text,    quote, i, c) {
        quote = substr(text, 1, 1)
        for (i = 2; i <= length(text); i++) {
            c = substr(text, i, 1)
            if (c == "\\" && quote == "\"") i++
            else if (c == quote && quote == "\047" && substr(text, i + 1, 1) == quote) i++
            else if (c == quote) {
                inner = substr(text, 2, i - 2)
                rest = substr(text, i + 1)
                return 1
            }
        }
        open = quote
        return 0
    }
    # What may stand before a node: anchors keep only their place, tags and aliases of nothing nothing.
    function properties(text,    word) {
        while (match(text, /^[&!][^][{}, \t]*/)) {
            word = substr(text, 1, RLENGTH)
            text = substr(text, RLENGTH + 1)
            if (substr(word, 1, 1) == "&") {
                if (!(word in anchors)) anchors[word] = "a" ++count
                put("&" anchors[word] " ")
            }
            sub(/^[ \t]+/, "", text)
        }
        return text
    }
    function alias(text,    word) {
        match(text, /^\*[^][{}, \t]*/)
        word = "&" substr(text, 2, RLENGTH - 1)
        rest = substr(text, RLENGTH + 1)
        put(word in anchors ? "*" anchors[word] " " : "hidden0")
    }
    # In braces and brackets, over any number of lines. key: whether a key may stand here.
    function flow(text,    c, i, d) {
        while (text != "") {
            c = substr(text, 1, 1)
            if (c == " " || c == "\t") {
                put(" ")
                text = substr(text, 2)
                if (substr(text, 1, 1) == "#") return
            } else if (c == "{" || c == "[") {
                depth++
                last = ""
                key = 1
                put(c)
                text = substr(text, 2)
            } else if (c == "}" || c == "]") {
                depth--
                key = 0
                put(c)
                text = substr(text, 2)
                if (depth == 0) return
            } else if (c == ",") {
                last = ""
                key = 1
                put(c)
                text = substr(text, 2)
            } else if (c == "&" || c == "!") {
                text = properties(text)
            } else if (c == "*") {
                alias(text)
                text = rest
                key = 0
            } else if (c == "\"" || c == "\047") {
                if (!quoted(text)) {
                    put("hidden0")
                    return
                }
                if (key && match(rest, /^ *:/)) {
                    name_of(inner, c)
                    put(" ")
                    rest = substr(rest, RLENGTH + 1)
                } else {
                    put(c)
                    scalar(inner)
                    put(c)
                }
                text = rest
                key = 0
            } else {
                for (i = 1; i <= length(text); i++) {
                    c = substr(text, i, 1)
                    d = substr(text, i + 1, 1)
                    if (index(",[]{}", c) || (c == ":" && (d == "" || index(" \t,[]{}", d))) || (c == " " && d == "#")) break
                }
                if (c == ":" && i <= length(text) && key && i > 1) {
                    name_of(bare(substr(text, 1, i - 1)), "")
                    put(" ")
                } else scalar(bare(substr(text, 1, i - 1)))
                # A colon where no key may stand: all up to the next comma is a value.
                text = substr(text, c == ":" && i <= length(text) ? i + 1 : i)
                key = 0
            }
        }
    }
    function bare(text) {
        sub(/[ \t]+$/, "", text)
        return text
    }
    function is_comment(text) { return text ~ /^[ \t]*(#|$)/ }
    # A value at the end of a line; column is that of what it belongs to.
    function value(text, column) {
        sub(/^[ \t]+/, "", text)
        text = properties(text)
        if (is_comment(text)) return
        c = substr(text, 1, 1)
        if (text ~ /^[|>][-+0-9]*[ \t]*(#.*)?$/) {
            if (inner_keys != "" && last ~ inner_keys) {
                sub(/[ \t].*/, "", text)
                put(text)
                inside[++levels] = column
                return
            }
            put("hidden0")
            block = column
            in_block = 1
        } else if (c == "{" || c == "[") {
            depth = 0
            flow(text)
        } else if (c == "*") {
            alias(text)
        } else if (c == "\"" || c == "\047") {
            if (quoted(text) && is_comment(rest)) {
                put(c)
                scalar(inner)
                put(c)
            } else put("hidden0")
        } else {
            sub(/[ \t]+#.*/, "", text)
            scalar(bare(text))
            plain = column
            in_plain = 1
        }
    }
    # A node at which a line begins, with a key or without.
    function node(text, column,    c, found) {
        last = ""
        text = properties(text)
        c = substr(text, 1, 1)
        if (c == "\"" || c == "\047") {
            if (quoted(text) && match(rest, /^[ \t]*:([ \t]|$)/)) {
                name_of(inner, c)
                put(" ")
                value(substr(rest, RLENGTH + 1), column)
                return
            }
            open = ""
        } else if (c == "*" && match(text, /^\*[^ ]+ +:([ \t]|$)/)) {
            put("hidden0: ")
            value(substr(text, RLENGTH + 1), column)
            return
        } else if (!index("{[|>#&*!%@`,]}", c) && !(text ~ /^\?([ \t]|$)/)) {
            found = match(substr(text, 2), /:([ \t]|$)/) + 1
            if (found > 1 && !(match(text, /[ \t]#/) && RSTART < found)) {
                name_of(bare(substr(text, 1, found - 1)), "")
                put(" ")
                value(substr(text, found + 1), column)
                return
            }
        }
        value(text, outer)
    }
    {
        if (FNR == 1) {
            marks(FILENAME)
            levels = depth = in_block = in_plain = 0
            open = ""
            sub(/^\357\273\277/, "")
            ended = 0
        }
        if (ended) next
        sub(/\r$/, "")
        if (/\r|\302\205|\342\200[\250\251]/) { end_file(); next }
        out = ""
        match($0, /^ */)
        column = RLENGTH
        text = substr($0, column + 1)
        if (marked != "" && /^# (Written by riscv|riscv)[.]k3s/) { print; next }
        # What was not closed ends with its document, and in a text within the text with that one.
        if (column == 0 && text ~ /^---([ \t]|$)/) {
            levels = depth = in_block = in_plain = 0
            open = ""
        }
        while (levels && text != "" && column <= inside[levels]) {
            levels--
            depth = in_block = in_plain = 0
            open = ""
        }
        if (in_block && (text == "" || column > block)) { print ""; next }
        in_block = 0
        if (length($0) > 16384 && (depth || /^[^"\047]*[[{]/)) { end_file(); next }
        if (open != "") {
            # A quoted text that goes over several lines: up to its end all is part of it.
            put(substr($0, 1, column))
            if (quoted(open $0)) {
                open = ""
                if (depth > 0) flow(rest)
            }
            print out
            next
        }
        if (depth > 0) {
            put(substr($0, 1, column))
            if (text !~ /^#/) flow(text)
            print out
            next
        }
        if (is_comment(text) || text ~ /^%/) { print ""; next }
        # A key where a value goes on is none for YAML either: that stays.
        if (in_plain && column > plain) {
            sub(/[ \t]#.*/, "", text)
            print text ~ /:([ \t]|$)/ ? substr($0, 1, column) "hidden0:" : ""
            next
        }
        in_plain = 0
        outer = column - 1
        if ((column == 0 || levels) && text ~ /^(---|\.\.\.)([ \t]|$)/) {
            put(substr($0, 1, column + 3) " ")
            last = ""
            value(substr(text, 4), outer)
            print out
            next
        }
        put(substr($0, 1, column))
        while (match(text, /^-([ \t]+|$)/)) {
            put(substr(text, 1, RLENGTH))
            outer = column
            column += RLENGTH
            text = substr(text, RLENGTH + 1)
        }
        # A key behind a question mark is for a parser of the whole.
        if (marked == "" && text ~ /^\?([ \t]|$)/) { end_file(); next }
        if (!is_comment(text)) node(text, column)
        print out
    }
    END { marks("") }' "$@"
}
