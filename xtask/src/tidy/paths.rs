//! The paths that a source names, groups such as `crate::{a, b::c}` spread out. Reads tokens; knows no module's
//! name.

use super::lexer::{Located, Token};

/// One path as it stands in the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Path<'a> {
    pub(crate) line: usize,
    /// Its words; `*` where it ends in a glob.
    pub(crate) segments: Vec<&'a str>,
    /// The inline modules around it, outermost first.
    pub(crate) scope: Vec<&'a str>,
    /// The token behind it: `!` makes it a macro, `as` a new name.
    pub(crate) next: Option<Token<'a>>,
}

/// Every path of a source, in order. Names of one word are among them.
pub(crate) fn paths<'a>(tokens: &[Located<'a>]) -> Vec<Path<'a>> {
    let mut walk = Walk { tokens, at: 0, depth: 0, scope: Vec::new(), found: Vec::new() };
    while walk.at < tokens.len() {
        walk.step();
    }
    walk.found
}

struct Walk<'t, 'a> {
    tokens: &'t [Located<'a>],
    at: usize,
    /// How many braces are open.
    depth: usize,
    /// Each open inline module with the depth that it was opened at.
    scope: Vec<(usize, &'a str)>,
    found: Vec<Path<'a>>,
}

impl<'a> Walk<'_, 'a> {
    fn step(&mut self) {
        match (self.peek(0), self.peek(1), self.peek(2)) {
            (Some(Token::Word("mod")), Some(Token::Word(name)), Some(Token::Mark('{'))) => {
                self.scope.push((self.depth, name));
                self.depth += 1;
                self.at += 3;
            }
            (Some(Token::Word(_)), ..) if self.starts_path() => self.tree(Vec::new()),
            (Some(Token::Mark('{')), ..) => {
                self.depth += 1;
                self.at += 1;
            }
            (Some(Token::Mark('}')), ..) => {
                self.depth = self.depth.saturating_sub(1);
                self.scope.pop_if(|(depth, _)| *depth == self.depth);
                self.at += 1;
            }
            _ => self.at += 1,
        }
    }

    fn peek(&self, ahead: usize) -> Option<Token<'a>> {
        self.tokens.get(self.at + ahead).map(|located| located.token)
    }

    fn before(&self, back: usize) -> Option<Token<'a>> {
        self.at.checked_sub(back).map(|at| self.tokens[at].token)
    }

    /// A method or a field is no path, nor is what follows `>::`; a leading `::` is.
    fn starts_path(&self) -> bool {
        match self.before(1) {
            Some(Token::Mark('.')) => matches!(self.before(2), Some(Token::Mark('.'))),
            Some(Token::Separator) => !matches!(self.before(2), Some(Token::Word(_) | Token::Mark('>'))),
            _ => true,
        }
    }

    /// Reads one use tree below `segments`.
    fn tree(&mut self, mut segments: Vec<&'a str>) {
        let line = self.tokens[self.at].line;
        loop {
            match self.peek(0) {
                Some(Token::Word(word)) => segments.push(word),
                Some(Token::Mark('*')) => segments.push("*"),
                Some(Token::Mark('{')) => return self.group(&segments),
                _ => break,
            }
            self.at += 1;
            if self.peek(0) != Some(Token::Separator) {
                break;
            }
            self.at += 1;
        }
        let scope = self.scope.iter().map(|(_, name)| *name).collect();
        self.found.push(Path { line, segments, scope, next: self.peek(0) });
    }

    fn group(&mut self, prefix: &[&'a str]) {
        self.at += 1;
        while let Some(token) = self.peek(0) {
            match token {
                Token::Mark('}') => {
                    self.at += 1;
                    return;
                }
                Token::Word("as") => self.at += 2,
                Token::Word(_) | Token::Mark('{' | '*') => self.tree(prefix.to_vec()),
                _ => self.at += 1,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::lexer::tokens;
    use super::*;

    #[track_caller]
    fn check(source: &str, expected: &str) {
        let tokens = tokens(source);
        let found = paths(&tokens)
            .into_iter()
            .filter(|path| path.segments.len() > 1)
            .map(|path| format!("{}:{}", path.line, [path.scope.join("/"), path.segments.join("::")].join("/")));
        assert_eq!(found.collect::<Vec<_>>().join(" "), expected, "{source}");
    }

    #[test]
    fn groups_are_spread_out() {
        check("use crate::a::B;", "1:/crate::a::B");
        check("use crate::{\n a::{self, B},\n c as d,\n};", "2:/crate::a::self 2:/crate::a::B 3:/crate::c");
        check("use crate::a::*; x::y()", "1:/crate::a::* 1:/x::y");
        check("let a = super::b::<T>(c);", "1:/super::b");
    }

    #[test]
    fn only_starts_count() {
        check("a.b::<C>()", "");
        check("<T as crate::a::U>::make()", "1:/crate::a::U");
        check("::std::env::args()", "1:/std::env::args");
        check("..crate::a::B", "1:/crate::a::B");
        check("x as std::env::Y", "1:/std::env::Y");
        check("$crate::a::b!()", "1:/crate::a::b");
    }

    #[test]
    fn inline_modules_are_kept() {
        check(
            "mod tests { mod deep { fn f() { super::a::b() } } use super::C; } super::D",
            "1:tests/deep/super::a::b 1:tests/super::C 1:/super::D",
        );
        check("mod other; super::a", "1:/super::a");
    }
}
