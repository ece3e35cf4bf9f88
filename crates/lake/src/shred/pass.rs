//! One pass over one event: values go into columns, what is left becomes the form.

use super::columns::Columns;
use super::form;
use super::found::{Found, Identity, Parameters};
use super::keys::{Keys, Place};
use super::time::{canonical, readable};
use crate::schema::{COLUMNS, Kind, index};
use cairn_event::json::{Bad, DEPTH_LIMIT, Scanner, Why};
use cairn_event::{Origin, Time};
use std::borrow::Cow;
use std::ops::Range;

const EVENT_TIME: usize = index("eventtime");
const EVENT_SOURCE: usize = index("eventsource");
const RECEIVED: usize = index("received");
const ORIGIN: usize = index("origin");
const USERNAME: usize = index("username");
const RESOURCE_NAMES: usize = index("resourcenames");
const RESOURCE_TYPES: usize = index("resourcetypes");
const RESOURCES: usize = index("resources");
const REQUEST: usize = index("requestparameters");
const RESPONSE: usize = index("responseelements");
const FORM: usize = index(super::FORM);

/// So deep requests and answers are searched for what names a resource.
const NAMED_DEPTH_MAX: u32 = 8;

pub(super) struct Pass<'a> {
    pub raw: &'a str,
    pub scan: Scanner<'a>,
    pub row: usize,
    pub keys: &'a Keys,
    pub parameters: &'a Parameters,
    pub columns: &'a mut Columns,
    pub found: &'a mut Found,
    /// Up to where the raw event stands in the form already.
    pub copied: usize,
    /// Columns whose key has been met in this event, one bit each: the first one counts.
    pub met: u128,
    /// The same of objects.
    pub met_objects: u32,
    pub time: Option<i64>,
}

/// Where a member of an object begins.
struct Member {
    key: Range<usize>,
    value: usize,
    /// Whether the key is written as the column's path writes it.
    plain: bool,
}

impl Pass<'_> {
    /// Nothing but texts and flags of this row have been put when it fails.
    pub(super) fn run(&mut self, origin: Origin, received: Time) -> Result<(), Bad> {
        self.columns.text(FORM).open(self.row);
        self.scan.space();
        self.object(0)?;
        self.scan.space();
        if self.scan.at < self.raw.len() {
            return Err(Bad { at: self.scan.at, why: Why::Syntax("nothing after the event") });
        }
        self.copy_to(self.raw.len());
        self.columns.text(FORM).close(self.row);
        self.conclude(origin, received);
        Ok(())
    }

    fn copy_to(&mut self, end: usize) {
        let rest = &self.raw.as_bytes()[self.copied..end];
        self.columns.text(FORM).open(self.row).extend_from_slice(rest);
        self.copied = end;
    }

    fn object(&mut self, object: usize) -> Result<(), Bad> {
        self.scan.expect(b'{', "an object")?;
        self.scan.space();
        if self.scan.take(b'}') {
            return Ok(());
        }
        loop {
            let key = self.scan.key()?;
            let mut member = Member { key, value: self.scan.at, plain: true };
            match self.place(object, &mut member) {
                Some(Place::Column(column)) if self.first(column) => self.column(column, &member)?,
                Some(Place::Object(inner)) if self.scan.peek() == Some(b'{') && self.first_object(inner) => {
                    self.object(inner)?;
                }
                _ => self.skip()?,
            }
            self.scan.space();
            if self.scan.take(b',') {
                self.scan.space();
            } else {
                return self.scan.expect(b'}', "a comma or a closing brace");
            }
        }
    }

    #[inline]
    fn place(&self, object: usize, member: &mut Member) -> Option<Place> {
        let key = &self.raw.as_bytes()[member.key.clone()];
        let place = self.keys.find(object, key);
        if place.is_none() && key.contains(&b'\\') {
            member.plain = false;
            return self.keys.find(object, decoded(&self.raw[member.key.start - 1..=member.key.end])?.as_bytes());
        }
        place
    }

    fn first(&mut self, column: usize) -> bool {
        let bit = 1 << column;
        let first = self.met & bit == 0;
        self.met |= bit;
        first
    }

    fn first_object(&mut self, object: usize) -> bool {
        let bit = 1 << object;
        let first = self.met_objects & bit == 0;
        self.met_objects |= bit;
        first
    }

    /// Skips one value, however deep it is.
    fn skip(&mut self) -> Result<(), Bad> {
        let start = self.scan.at;
        let skipped = self.scan.value(DEPTH_LIMIT);
        if !matches!(skipped, Err(Bad { why: Why::Deep, .. })) {
            return skipped;
        }
        // This one keeps its open brackets on the heap.
        let mut values = serde_json::Deserializer::from_str(&self.raw[start..]).into_iter::<serde::de::IgnoredAny>();
        match values.next() {
            Some(Ok(_)) => self.scan.at = start + values.byte_offset(),
            _ => return Err(Bad { at: start, why: Why::Syntax("a value") }),
        }
        Ok(())
    }

    fn column(&mut self, column: usize, member: &Member) -> Result<(), Bad> {
        match (COLUMNS[column].kind, self.scan.peek()) {
            (Kind::Text, Some(b'"')) => self.text(column, member),
            (Kind::Time, Some(b'"')) => self.event_time(column, member),
            (Kind::Bool, _) => self.flag(column, member),
            (Kind::Json, _) => self.json(column, member),
            _ => {
                self.skip()?;
                self.null(column, member);
                Ok(())
            }
        }
    }

    fn text(&mut self, column: usize, member: &Member) -> Result<(), Bad> {
        let (range, plain) = self.scan.text()?;
        if plain {
            self.columns.text(column).put(self.row, &self.raw[range]);
            self.mark(column, member);
        } else if let Some(text) = decoded(&self.raw[member.value..self.scan.at]) {
            self.columns.text(column).put(self.row, &text);
        }
        Ok(())
    }

    fn event_time(&mut self, column: usize, member: &Member) -> Result<(), Bad> {
        let (range, plain) = self.scan.text()?;
        if let Some(micros) = canonical(&self.raw.as_bytes()[range]).filter(|_| plain) {
            self.time = Some(micros);
            self.mark(column, member);
        } else {
            self.time = decoded(&self.raw[member.value..self.scan.at]).and_then(|text| readable(&text));
        }
        Ok(())
    }

    fn flag(&mut self, column: usize, member: &Member) -> Result<(), Bad> {
        self.skip()?;
        match &self.raw[member.value..self.scan.at] {
            text @ ("true" | "false") => {
                self.columns.flag(column, self.row, text == "true");
                self.mark(column, member);
            }
            text @ ("\"true\"" | "\"false\"") => self.columns.flag(column, self.row, text == "\"true\""),
            _ => self.null(column, member),
        }
        Ok(())
    }

    fn json(&mut self, column: usize, member: &Member) -> Result<(), Bad> {
        match column {
            REQUEST | RESPONSE => self.named(0)?,
            RESOURCES => self.resources()?,
            _ => self.skip()?,
        }
        let text = &self.raw[member.value..self.scan.at];
        if text == "null" {
            self.null(column, member);
        } else {
            self.columns.text(column).put(self.row, text);
            self.mark(column, member);
        }
        Ok(())
    }

    /// Puts a mark in the place of the value that has just been passed, and of its key where that is
    /// written as nearly everybody writes it.
    fn mark(&mut self, column: usize, member: &Member) {
        let bytes = self.raw.as_bytes();
        let (mark, from) = if !member.plain || member.key.end + 2 != member.value {
            (form::VALUE, member.value)
        } else if bytes[member.key.start - 2] == b',' {
            (form::NEXT_MEMBER, member.key.start - 2)
        } else {
            (form::MEMBER, member.key.start - 1)
        };
        self.put_mark(mark, column, from);
    }

    fn put_mark(&mut self, mark: u8, column: usize, from: usize) {
        let form = self.columns.text(FORM).open(self.row);
        if self.copied < from {
            form.extend_from_slice(&self.raw.as_bytes()[self.copied..from]);
        }
        form.extend_from_slice(&[mark, form::code(&COLUMNS[column])]);
        self.copied = self.scan.at;
    }

    /// A mark for a value that is null; any other value that has not gone into its column stays as it is.
    fn null(&mut self, column: usize, member: &Member) {
        let compact = member.plain && member.key.end + 2 == member.value;
        let bytes = self.raw.as_bytes();
        if compact && bytes[member.key.start - 2] == b',' && &bytes[member.value..self.scan.at] == b"null" {
            self.put_mark(form::NEXT_NULL, column, member.key.start - 2);
        }
    }

    /// A string as it is meant.
    fn string(&mut self) -> Result<Option<Cow<'static, str>>, Bad> {
        let start = self.scan.at;
        self.scan.text()?;
        Ok(decoded(&self.raw[start..self.scan.at]).map(Cow::Owned))
    }

    /// Passes a value of a request or an answer, and notes what names a resource.
    fn named(&mut self, depth: u32) -> Result<(), Bad> {
        match self.scan.peek() {
            Some(b'{') if depth < NAMED_DEPTH_MAX => {
                self.members(|pass, key| match pass.parameters.find(&pass.raw.as_bytes()[key]) {
                    Some(parameter) if pass.scan.peek() == Some(b'"') => pass.parameter(parameter),
                    _ => pass.named(depth + 1),
                })
            }
            Some(b'[') if depth < NAMED_DEPTH_MAX => self.elements(|pass| pass.named(depth + 1)),
            _ => self.skip(),
        }
    }

    fn parameter(&mut self, parameter: usize) -> Result<(), Bad> {
        let (range, plain) = self.scan.text()?;
        if plain {
            self.found.parameter(parameter, &self.raw[range]);
        } else if let Some(text) = decoded(&self.raw[range.start - 1..=range.end]) {
            self.found.parameter(parameter, &text);
        }
        Ok(())
    }

    fn resources(&mut self) -> Result<(), Bad> {
        if self.scan.peek() != Some(b'[') {
            return self.skip();
        }
        self.elements(|pass| {
            if pass.scan.peek() != Some(b'{') {
                return pass.skip();
            }
            pass.members(|pass, key| {
                let key = &pass.raw[key];
                if pass.scan.peek() != Some(b'"') || !matches!(key, "ARN" | "type") {
                    return pass.skip();
                }
                match (key, pass.string()?) {
                    ("ARN", Some(arn)) => pass.found.resource_name(&arn),
                    (_, Some(kind)) => pass.found.resource_type(&kind),
                    (_, None) => {}
                }
                Ok(())
            })
        })
    }

    /// Passes an object that begins here; `each` passes a value.
    fn members(&mut self, mut each: impl FnMut(&mut Self, Range<usize>) -> Result<(), Bad>) -> Result<(), Bad> {
        self.scan.expect(b'{', "an object")?;
        self.scan.space();
        if self.scan.take(b'}') {
            return Ok(());
        }
        loop {
            let key = self.scan.key()?;
            each(self, key)?;
            self.scan.space();
            if !self.scan.take(b',') {
                return self.scan.expect(b'}', "a comma or a closing brace");
            }
            self.scan.space();
        }
    }

    /// Passes an array that begins here; `each` passes an element.
    fn elements(&mut self, mut each: impl FnMut(&mut Self) -> Result<(), Bad>) -> Result<(), Bad> {
        self.scan.expect(b'[', "an array")?;
        self.scan.space();
        if self.scan.take(b']') {
            return Ok(());
        }
        loop {
            each(self)?;
            self.scan.space();
            if !self.scan.take(b',') {
                return self.scan.expect(b']', "a comma or a closing bracket");
            }
            self.scan.space();
        }
    }

    /// Puts what stands nowhere in the event as it is.
    fn conclude(&mut self, origin: Origin, received: Time) {
        let row = self.row;
        let at = |name: usize| self.columns.text_at(name, row);
        let identity = Identity {
            kind: at(const { index("useridentity_type") }),
            user_name: at(const { index("useridentity_username") }),
            arn: at(const { index("useridentity_arn") }),
            principal_id: at(const { index("useridentity_principalid") }),
            invoked_by: at(const { index("useridentity_invokedby") }),
        };
        let username = identity.username().map(str::to_owned);
        self.found.settle(self.parameters, at(EVENT_SOURCE).unwrap_or(""));
        if let Some(username) = username {
            self.columns.text(USERNAME).put(row, &username);
        }
        let received = received.millis().saturating_mul(1000);
        self.columns.time(EVENT_TIME, self.time.unwrap_or(received));
        self.columns.time(RECEIVED, received);
        self.columns.text(ORIGIN).put(row, origin.name());
        self.columns.list(RESOURCE_NAMES).put(row, self.found.names());
        self.columns.list(RESOURCE_TYPES).put(row, self.found.types());
    }
}

/// What a string of JSON means, quotes included; None when it names half of a surrogate pair.
fn decoded(quoted: &str) -> Option<String> {
    let inside = quoted.strip_prefix('"')?.strip_suffix('"')?;
    if inside.contains('\\') { serde_json::from_str(quoted).ok() } else { Some(inside.to_owned()) }
}
