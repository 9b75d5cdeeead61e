//! A script of questions and answers that runs, unchanged, on the console and as a CGI program
//! (RFC 3875): each page is a question, and each answer may come to another process.
//!
//! As a CGI program it keeps nothing. What it has to remember is in a hidden field of the page:
//! a snapshot, sealed. So it may be gone on from an old page, by the back button or in a second
//! window, as often as somebody likes.
//!
//! ```text
//! cgi    on the console
//! ```
//!
//! A server that starts it as a CGI program sets `BOOKING_KEY` to 64 hexadecimal digits that
//! nobody knows, or `BOOKING_KEY_FILE` to the path of a file with them; and, if it is not to be
//! an hour, `BOOKING_LIFETIME` to how many seconds a page can be answered.

use std::error::Error;
use std::fmt::{self, Write as _};
use std::io::{self, BufRead, Read, Write};
use std::rc::Rc;
use std::time::{Duration, SystemTime};
use std::{env, fs, mem};

use segno::frame::{Context, Describe, Frame, Input, Machine, Outcome, Step};
use segno::snapshot::{LoadLimits, Loaded, Object, Persist, Registry, Save, Seal, SealKey, Shared};
use serde::{Deserialize, Serialize};

// ---- The script ------------------------------------------------------------------------

/// A table and what is to be on it, as calls that wait for each other.
#[derive(Clone, Debug, Describe, Persist)]
enum Booking {
    Table {
        /// How far it has come; so in the others.
        at: u8,
        name: String,
        guests: String,
        #[slot(shared)]
        order: Shared<Order>,
    },
    /// Chooses a course, in a transaction of its own.
    Course {
        at: u8,
        #[slot(shared)]
        order: Shared<Order>,
    },
    /// What is done in it.
    Choose {
        at: u8,
        #[slot(shared)]
        order: Shared<Order>,
    },
    /// Asks until the answer will do.
    Question { text: String, wanted: Wanted },
}

/// What somebody is going to eat and to drink.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Order(Vec<String>);

impl Object for Order {
    const NAME: &'static str = "order";
}

impl Order {
    fn has_room(&self) -> bool {
        self.0.len() < MOST
    }
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.is_empty() {
            true => f.write_str("nothing"),
            false => f.write_str(&self.0.join(", ")),
        }
    }
}

/// How many things can be ordered, and how many characters an answer may have; so that what has
/// to be remembered fits into a page.
const MOST: usize = 10;
const LONGEST: usize = 60;

/// What an answer has to be.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum Wanted {
    Text,
    Number { most: u32 },
    YesOrNo,
}

impl Wanted {
    fn complaint(self, answer: &str) -> Option<String> {
        match self {
            _ if answer.is_empty() => Some("Please say something.".to_owned()),
            _ if answer.chars().count() > LONGEST => {
                Some(format!("At most {LONGEST} letters, please."))
            }
            _ if answer.contains(char::is_control) => {
                Some("Only what can be read, please.".to_owned())
            }
            Self::Number { most } => match answer.parse::<u32>() {
                Ok(number) if (1..=most).contains(&number) => None,
                _ => Some(format!("A number from 1 to {most}, please.")),
            },
            Self::YesOrNo if !["yes", "no"].contains(&answer) => {
                Some("Yes or no, please.".to_owned())
            }
            Self::Text | Self::YesOrNo => None,
        }
    }
}

/// What the script and [`Interview`] say to each other.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Message {
    Ask(String),
    /// A transaction opens.
    Open,
    /// It ends; or all since then has not been, which is another answer to `Open`.
    Commit,
    RollBack,

    Text(String),
    Done,
    RolledBack,
}

fn ask(text: impl Into<String>, wanted: Wanted) -> Step<Booking> {
    let text = text.into();
    Step::Call(Booking::Question { text, wanted })
}

fn course(order: &Shared<Order>) -> Step<Booking> {
    let (at, order) = (0, order.clone());
    Step::Call(Booking::Course { at, order })
}

impl Frame for Booking {
    type Value = Message;
    type World = ();

    fn resume(&mut self, input: Input<Self>, _: &mut Context<'_, Self>) -> Step<Self> {
        use Message::{Ask, Commit, Done, Open, RollBack, RolledBack, Text};
        let input = match input {
            Input::Start => None,
            Input::Value(value) => Some(value),
            _ => return Step::Raise(Done),
        };
        // Where it is now, and that it goes on from after it.
        let next = |at: &mut u8| mem::replace(at, at.saturating_add(1));
        match self {
            Self::Table {
                at,
                name,
                guests,
                order,
            } => match (next(at), input) {
                (0, None) => ask("What is your name?", Wanted::Text),
                (1, Some(Text(answer))) => {
                    *name = answer;
                    ask(format!("For how many, {name}?"), Wanted::Number { most: 8 })
                }
                (2, Some(Text(answer))) => {
                    *guests = answer;
                    course(order)
                }
                (3, Some(Done | RolledBack)) if order.with(Order::has_room) => {
                    let so_far = order.with(Order::to_string);
                    ask(format!("So far {so_far}. Another course?"), Wanted::YesOrNo)
                }
                (4, Some(Text(answer))) if answer == "yes" => {
                    *at = 3;
                    course(order)
                }
                (3, Some(Done | RolledBack)) | (4, Some(Text(_))) => {
                    let order = order.with(Order::to_string);
                    let end = format!("A table for {guests}, {name}, and {order}.");
                    Step::Return(Text(end))
                }
                _ => Step::Raise(Done),
            },
            Self::Course { at, order } => match (next(at), input) {
                (0, None) => Step::Suspend(Open),
                (1, Some(Done)) => {
                    let (at, order) = (0, order.clone());
                    Step::Call(Self::Choose { at, order })
                }
                (1, Some(RolledBack)) => Step::Return(RolledBack),
                (2, Some(Text(answer))) if answer == "yes" => Step::Suspend(Commit),
                (2, Some(Text(_))) => Step::Suspend(RollBack),
                (3, Some(Done)) => Step::Return(Done),
                _ => Step::Raise(Done),
            },
            Self::Choose { at, order } => match (next(at), input) {
                (0, None) => ask("What would you like to eat?", Wanted::Text),
                (1, Some(Text(answer))) => {
                    order.update(|order| order.0.push(answer));
                    ask("What would you like to drink?", Wanted::Text)
                }
                (2, Some(Text(answer))) => {
                    order.update(|order| order.0.push(answer));
                    let all = order.with(Order::to_string);
                    ask(format!("That makes {all}. Is it right?"), Wanted::YesOrNo)
                }
                (3, Some(answer)) => Step::Return(answer),
                _ => Step::Raise(Done),
            },
            Self::Question { text, wanted } => match input {
                None => Step::Suspend(Ask(text.clone())),
                Some(Text(answer)) => match wanted.complaint(answer.trim()) {
                    Some(complaint) => Step::Suspend(Ask(format!("{complaint} {text}"))),
                    None => Step::Return(Text(answer.trim().to_owned())),
                },
                _ => Step::Raise(Done),
            },
        }
    }
}

// ---- Who asks --------------------------------------------------------------------------

/// The script while it runs, wherever the answers come from.
struct Interview {
    machine: Machine<Booking>,
    /// What it was when the transactions opened that are, the outermost first.
    open: Vec<Vec<u8>>,
}

/// What is shown next.
enum Page {
    Question(String),
    End(String),
}

/// The seal says that a state is one of ours; these say that it is not larger than ours are.
fn limits() -> LoadLimits {
    LoadLimits {
        bytes: MOST_BYTES as usize,
        frames: 100,
        parts: 100,
        objects: 100,
        depth: 16,
        ..LoadLimits::default()
    }
}

fn registry() -> Rc<Registry> {
    Rc::new(Registry::new("booking", 1))
}

fn saved(machine: &mut Machine<Booking>, open: &[Vec<u8>]) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut save = Save::new(&registry());
    save.machine(machine)?;
    save.value(&open)?;
    Ok(save.finish()?)
}

impl Interview {
    fn start() -> Result<(Self, Page), Box<dyn Error>> {
        let order = Shared::new(Order(Vec::new()));
        let (at, name, guests) = (0, String::new(), String::new());
        let table = Booking::Table {
            at,
            name,
            guests,
            order,
        };
        let (machine, open) = (Machine::new(table), Vec::new());
        let mut this = Self { machine, open };
        let page = this.run()?;
        Ok((this, page))
    }

    fn load(bytes: &[u8]) -> Result<Self, Box<dyn Error>> {
        let mut loaded = Loaded::read(bytes, &registry(), limits())?;
        let (machine, open) = (loaded.machine(0)?, loaded.value(1)?);
        Ok(Self { machine, open })
    }

    fn save(&mut self) -> Result<Vec<u8>, Box<dyn Error>> {
        saved(&mut self.machine, &self.open)
    }

    fn answer(&mut self, text: String) -> Result<Page, Box<dyn Error>> {
        self.machine.answer(Ok(Message::Text(text)))?;
        self.run()
    }

    /// Up to the next question, or to the end.
    fn run(&mut self) -> Result<Page, Box<dyn Error>> {
        loop {
            let answer = match self.machine.run(&mut ()) {
                Outcome::Suspended(Message::Ask(question)) => return Ok(Page::Question(question)),
                Outcome::Done(Message::Text(end)) => return Ok(Page::End(end)),
                Outcome::Suspended(Message::Open) => {
                    self.open.push(saved(&mut self.machine, &[])?);
                    Message::Done
                }
                Outcome::Suspended(Message::Commit) if self.open.pop().is_some() => Message::Done,
                Outcome::Suspended(Message::RollBack) => {
                    let before = self.open.pop().ok_or("no transaction is open")?;
                    self.machine = Self::load(&before)?.machine;
                    Message::RolledBack
                }
                other => return Err(format!("the script ends with {other:?}").into()),
            };
            self.machine.answer(Ok(answer))?;
        }
    }
}

// ---- On the console --------------------------------------------------------------------

fn console(input: impl BufRead, mut output: impl Write) -> Result<(), Box<dyn Error>> {
    let (mut interview, mut page) = Interview::start()?;
    let mut lines = input.take(MOST_BYTES);
    loop {
        match page {
            Page::Question(question) => writeln!(output, "{question}")?,
            Page::End(end) => return Ok(writeln!(output, "{end}")?),
        }
        output.flush()?;
        lines.set_limit(MOST_BYTES); // A longer line counts as several.
        let mut line = Vec::new();
        if lines.read_until(b'\n', &mut line)? == 0 {
            return Ok(()); // Nobody answers any more.
        }
        let line = String::from_utf8_lossy(&line);
        page = interview.answer(line.into_owned())?;
    }
}

// ---- As a CGI program ------------------------------------------------------------------

/// How many bytes a form may have. The longest state takes a quarter of them.
const MOST_BYTES: u64 = 64 << 10;

/// What is answered to a request that is refused, and why.
struct Refusal(&'static str, &'static str);

/// What the answer to a request is sealed with.
struct Keeper {
    seal: Seal,
    lifetime: Duration,
}

impl Keeper {
    fn from_environment() -> Result<Self, Box<dyn Error>> {
        let key = match env::var("BOOKING_KEY_FILE") {
            Ok(file) => fs::read_to_string(file)?,
            Err(_) => env::var("BOOKING_KEY").map_err(|_| "there is no BOOKING_KEY")?,
        };
        let key = unhex(key.trim()).and_then(|key| key.try_into().ok());
        let key = SealKey::new(1, key.ok_or("the key is not 64 hexadecimal digits")?);
        let lifetime = match env::var("BOOKING_LIFETIME") {
            Ok(seconds) => seconds.parse::<u32>()?.into(),
            Err(_) => 3600,
        };
        // What was handed out to one user does not open for another.
        let user = env::var("REMOTE_USER").unwrap_or_default();
        Ok(Self {
            seal: Seal::new(key, &format!("booking/{user}")),
            lifetime: Duration::from_secs(lifetime),
        })
    }

    /// Opens what a page has kept.
    fn open(&self, state: &str) -> Option<Interview> {
        let sealed = unhex(state)?;
        let bytes = self.seal.open(&sealed, SystemTime::now()).ok()?;
        Interview::load(&bytes).ok()
    }

    fn close(&self, interview: &mut Interview) -> Result<String, Box<dyn Error>> {
        let expires = SystemTime::now() + self.lifetime;
        Ok(hex(&self.seal.seal(&interview.save()?, expires)?))
    }
}

/// Answers the request that is in the environment and in `input`.
fn cgi(input: impl Read, mut output: impl Write) -> Result<(), Box<dyn Error>> {
    let with_body = env::var("REQUEST_METHOD").as_deref() != Ok("HEAD");
    let (status, page) = respond(input).unwrap_or_else(|error| {
        eprintln!("booking: {error}");
        let text = "Something is wrong here; it is not you.";
        ("500 Internal Server Error", html(text, None))
    });
    write!(output, "Status: {status}\r\n")?;
    if status.starts_with("405") {
        write!(output, "Allow: GET, HEAD, POST\r\n")?;
    }
    // A page is for its reader alone, and nothing in it is a program.
    write!(output, "Content-Type: text/html; charset=utf-8\r\n")?;
    write!(output, "Cache-Control: private\r\n")?;
    write!(
        output,
        "Content-Security-Policy: default-src 'none'\r\n\r\n"
    )?;
    if with_body {
        write!(output, "{page}")?;
    }
    Ok(output.flush()?)
}

fn respond(input: impl Read) -> Result<(&'static str, String), Box<dyn Error>> {
    let form = match form(input) {
        Ok(form) => form,
        Err(Refusal(status, why)) => return Ok((status, html(why, None))),
    };
    let keeper = Keeper::from_environment()?;
    let (status, notice, (mut interview, page)) = match field(&form, "state") {
        None => ("200 OK", "", Interview::start()?),
        Some(state) => match keeper.open(&state) {
            Some(mut interview) => {
                let answer = field(&form, "answer").unwrap_or_default();
                let page = interview.answer(answer)?;
                ("200 OK", "", (interview, page))
            }
            None => {
                let notice = "This page is too old, or not ours. Let us start again.";
                ("400 Bad Request", notice, Interview::start()?)
            }
        },
    };
    Ok((
        status,
        match page {
            Page::Question(question) => {
                let state = keeper.close(&mut interview)?;
                html(notice, Some((&question, &state)))
            }
            Page::End(end) => html(&end, None),
        },
    ))
}

/// The form of the request. Nothing is remembered here, so that a page can be had by a GET too.
fn form(input: impl Read) -> Result<String, Refusal> {
    let var = |name| env::var(name).unwrap_or_default();
    match var("REQUEST_METHOD").as_str() {
        "GET" | "HEAD" => match var("QUERY_STRING") {
            query if query.len() as u64 > MOST_BYTES => {
                Err(Refusal("414 URI Too Long", "That is too long."))
            }
            query => Ok(query),
        },
        "POST" => {
            let media_type = var("CONTENT_TYPE").to_ascii_lowercase();
            let media_type = media_type.split(';').next().unwrap_or_default().trim();
            if media_type != "application/x-www-form-urlencoded" {
                return Err(Refusal("415 Unsupported Media Type", "That is no form."));
            }
            let broken = |_| Refusal("400 Bad Request", "The form is broken.");
            let length = match var("CONTENT_LENGTH") {
                none if none.is_empty() => 0,
                length => length.parse::<u64>().map_err(|_| broken(()))?,
            };
            if length > MOST_BYTES {
                return Err(Refusal("413 Content Too Large", "That is too long."));
            }
            let mut body = Vec::new();
            let read = input.take(length).read_to_end(&mut body);
            if read.ok() != usize::try_from(length).ok() {
                return Err(broken(()));
            }
            String::from_utf8(body).map_err(|_| broken(()))
        }
        _ => Err(Refusal(
            "405 Method Not Allowed",
            "That cannot be done here.",
        )),
    }
}

/// A field of a form, decoded.
fn field(form: &str, name: &str) -> Option<String> {
    let mut fields = form.split('&').filter_map(|field| field.split_once('='));
    let (_, value) = fields.find(|(key, _)| *key == name)?;
    let mut bytes = Vec::new();
    let mut rest = value.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|two| str::from_utf8(two).ok());
        rest = after;
        bytes.push(match (first, digits.and_then(unhex).as_deref()) {
            (b'+', _) => b' ',
            (b'%', Some(&[byte])) => {
                rest = &after[2..];
                byte
            }
            _ => first,
        });
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// A page that says something, and has a question and the state to which it belongs.
fn html(notice: &str, question: Option<(&str, &str)>) -> String {
    let mut page = "<!DOCTYPE html>\n<html lang=\"en\">\n<title>A table</title>\n".to_owned();
    if !notice.is_empty() {
        page += &format!("<p>{}</p>\n", escaped(notice));
    }
    match question {
        Some((question, state)) => {
            page += "<form method=\"post\">\n";
            page += &format!("<label for=\"answer\">{}</label>\n", escaped(question));
            page += "<input id=\"answer\" name=\"answer\" autofocus>\n";
            page += &format!(
                "<input type=\"hidden\" name=\"state\" value=\"{}\">\n",
                escaped(state)
            );
            page += "<button>Answer</button>\n</form>\n";
        }
        None => page += "<form method=\"get\">\n<button>Start again</button>\n</form>\n",
    }
    page
}

fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for char in text.chars() {
        match char {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            '\'' => escaped += "&#39;",
            _ => escaped.push(char),
        }
    }
    escaped
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut digits, byte| {
        let _ = write!(digits, "{byte:02x}"); // A string takes it.
        digits
    })
}

fn unhex(digits: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let pairs = digits.as_bytes().chunks(2).map(|pair| match *pair {
        [high, low] => u8::try_from(digit(high)? << 4 | digit(low)?).ok(),
        _ => None,
    });
    pairs.collect()
}

fn main() -> Result<(), Box<dyn Error>> {
    let (input, output) = (io::stdin().lock(), io::stdout().lock());
    match env::var_os("GATEWAY_INTERFACE") {
        Some(_) => cgi(input, output),
        None => console(input, output),
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    use super::*;

    const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    /// Tells a child process of the tests that it is one.
    const CHILD: &str = "BOOKING_CHILD";
    /// After this a child says what the program says.
    const BEGIN: &str = "-- the program --\n";

    #[test]
    fn child() {
        if env::var_os(CHILD).is_none() {
            return;
        }
        // Not by `print`, which the test runner takes.
        io::stdout().write_all(BEGIN.as_bytes()).expect("is heard");
        main().expect("runs");
        std::process::exit(0);
    }

    /// What the program says in a process with these variables and this input.
    fn said(variables: &[(&str, &str)], input: &[u8]) -> String {
        let program = env::current_exe().expect("is somewhere");
        let mut command = Command::new(program);
        command
            .args(["--exact", "tests::child", "--nocapture", "--quiet"])
            .env(CHILD, "1")
            .env_remove("GATEWAY_INTERFACE")
            .env_remove("BOOKING_KEY_FILE")
            .env_remove("BOOKING_LIFETIME")
            .env_remove("REMOTE_USER")
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command.spawn().expect("starts");
        // It may have ended before it has read all.
        let _ = child.stdin.take().expect("reads").write_all(input);
        let output = child.wait_with_output().expect("ends");
        assert!(output.status.success(), "{variables:?}");
        let said = String::from_utf8(output.stdout).expect("is text");
        let (_, said) = said.split_once(BEGIN).expect("runs");
        said.to_owned()
    }

    /// An answer as a browser gets it.
    #[derive(Clone, Debug, PartialEq, Eq)]
    struct Response {
        status: String,
        notice: Option<String>,
        question: Option<String>,
        state: Option<String>,
        body: String,
    }

    impl Response {
        fn of(said: &str) -> Self {
            let (headers, body) = said.split_once("\r\n\r\n").expect("there is a body");
            let mut lines = headers.split("\r\n");
            let status = lines.next().and_then(|line| line.strip_prefix("Status: "));
            assert!(lines.any(|line| line == "Content-Type: text/html; charset=utf-8"));
            let between = |before: &str, after: &str| {
                let (_, rest) = body.split_once(before)?;
                let (text, _) = rest.split_once(after)?;
                assert!(!text.contains(['<', '>', '"', '\'']), "{text}");
                let text = text.replace("&lt;", "<").replace("&gt;", ">");
                let text = text.replace("&quot;", "\"").replace("&#39;", "'");
                Some(text.replace("&amp;", "&"))
            };
            Self {
                status: status.expect("is first").to_owned(),
                notice: between("<p>", "</p>"),
                question: between("<label for=\"answer\">", "</label>"),
                state: between("name=\"state\" value=\"", "\""),
                body: body.to_owned(),
            }
        }

        /// What it is that the page says.
        fn text(&self) -> &str {
            let text = self.question.as_ref().or(self.notice.as_ref());
            text.expect("there is something")
        }
    }

    fn request(variables: &[(&str, &str)], body: &[u8]) -> Response {
        let mut all = vec![("GATEWAY_INTERFACE", "CGI/1.1"), ("BOOKING_KEY", KEY)];
        all.extend(variables);
        Response::of(&said(&all, body))
    }

    const GET: (&str, &str) = ("REQUEST_METHOD", "GET");
    const POST: (&str, &str) = ("REQUEST_METHOD", "POST");
    const FORM: (&str, &str) = ("CONTENT_TYPE", "application/x-www-form-urlencoded");

    fn start() -> Response {
        request(&[GET], b"")
    }

    fn encoded(state: &str, answer: &str) -> String {
        let mut form = format!("state={state}&answer=");
        for byte in answer.bytes() {
            match byte {
                b'0'..=b'9' | b'a'..=b'z' => form.push(byte.into()),
                b' ' => form.push('+'),
                _ => write!(form, "%{byte:02X}").expect("is written"),
            }
        }
        form
    }

    fn post(variables: &[(&str, &str)], state: &str, answer: &str) -> Response {
        let form = encoded(state, answer);
        let length = form.len().to_string();
        let mut all = vec![POST, FORM, ("CONTENT_LENGTH", &*length)];
        all.extend(variables);
        request(&all, form.as_bytes())
    }

    fn answer(page: &Response, answer: &str) -> Response {
        let next = post(&[], page.state.as_ref().expect("it asks"), answer);
        assert_eq!(next.status, "200 OK");
        next
    }

    /// This page and those that follow, each an answer to the one before.
    fn go_on(from: Response, answers: &[&str]) -> Vec<Response> {
        let mut pages = vec![from];
        for text in answers {
            match pages.last() {
                Some(page) if page.state.is_some() => pages.push(answer(page, text)),
                _ => break,
            }
        }
        pages
    }

    fn texts(pages: &[Response]) -> Vec<&str> {
        pages.iter().map(Response::text).collect()
    }

    fn on_the_console(answers: &[&str]) -> Vec<String> {
        let input: String = answers.iter().map(|answer| format!("{answer}\n")).collect();
        let said = said(&[], input.as_bytes());
        said.lines().map(str::to_owned).collect()
    }

    #[test]
    fn a_session() {
        let answers = [
            "Anna", "9", "2", "soup", "tea", "no", "yes", "fish", "wine", "yes", "no",
        ];
        let pages = go_on(start(), &answers);
        assert_eq!(
            texts(&pages),
            [
                "What is your name?",
                "For how many, Anna?",
                "A number from 1 to 8, please. For how many, Anna?",
                "What would you like to eat?",
                "What would you like to drink?",
                "That makes soup, tea. Is it right?",
                "So far nothing. Another course?",
                "What would you like to eat?",
                "What would you like to drink?",
                "That makes fish, wine. Is it right?",
                "So far fish, wine. Another course?",
                "A table for 2, Anna, and fish, wine.",
            ]
        );
        assert_eq!(pages[11].state, None);
    }

    #[test]
    fn the_back_button() {
        let pages = go_on(start(), &["Anna", "2", "soup", "tea", "yes", "no"]);
        assert_eq!(pages[6].text(), "A table for 2, Anna, and soup, tea.");
        // Out of the transaction, into it again, and to before it.
        for (page, answers, end) in [
            (4, &["no", "no"][..], "A table for 2, Anna, and nothing."),
            (
                3,
                &["beer", "yes", "no"],
                "A table for 2, Anna, and soup, beer.",
            ),
            (
                1,
                &["3", "fish", "tea", "yes", "no"],
                "A table for 3, Anna, and fish, tea.",
            ),
        ] {
            let other = go_on(pages[page].clone(), answers);
            assert_eq!(other[answers.len()].text(), end);
        }
        // And what was, is.
        assert_eq!(
            texts(&go_on(pages[4].clone(), &["yes", "no"])),
            texts(&pages[4..])
        );
    }

    #[test]
    fn two_windows() {
        let first = start();
        let (mut one, mut other) = (answer(&first, "Anna"), answer(&first, "Bert"));
        for (of_one, of_other) in [
            ("1", "2"),
            ("soup", "fish"),
            ("tea", "wine"),
            ("yes", "yes"),
        ] {
            one = answer(&one, of_one);
            other = answer(&other, of_other);
        }
        assert_eq!(
            answer(&one, "no").text(),
            "A table for 1, Anna, and soup, tea."
        );
        assert_eq!(
            answer(&other, "no").text(),
            "A table for 2, Bert, and fish, wine."
        );
    }

    fn is_refused(response: &Response) {
        assert_eq!(response.status, "400 Bad Request");
        let notice = response.notice.as_deref();
        assert_eq!(
            notice,
            Some("This page is too old, or not ours. Let us start again.")
        );
        assert_eq!(response.text(), "What is your name?");
    }

    #[test]
    fn a_state_that_is_not_ours_starts_again() {
        let page = start();
        let state = page.state.expect("it asks");
        for at in [0, 11, 22, 80, state.len() - 1] {
            let digit = if state.as_bytes()[at] == b'0' {
                "1"
            } else {
                "0"
            };
            let mut tampered = state.clone();
            tampered.replace_range(at..=at, digit);
            is_refused(&post(&[], &tampered, "Anna"));
        }
        for none in ["", "0", "zz", "%00", &state[..state.len() - 1], &state[2..]] {
            is_refused(&post(&[], none, "Anna"));
        }
        let registry = registry();
        let unsealed = Save::<Booking>::new(&registry).finish().expect("is saved");
        is_refused(&post(&[], &hex(&unsealed), "Anna"));
        let fresh = post(&[], "", "Anna");
        assert_eq!(answer(&fresh, "Anna").text(), "For how many, Anna?");
        // Of another user, or from before the key was changed.
        is_refused(&post(&[("REMOTE_USER", "bert")], &state, "Anna"));
        is_refused(&post(&[("BOOKING_KEY", &"7".repeat(64))], &state, "Anna"));
    }

    #[test]
    fn an_expired_state_starts_again() {
        let page = request(&[GET, ("BOOKING_LIFETIME", "0")], b"");
        is_refused(&post(&[], &page.state.expect("it asks"), "Anna"));
    }

    #[test]
    fn what_is_no_form_of_ours_is_refused() {
        let status = |variables: &[(&str, &str)], body: &[u8]| {
            let response = request(variables, body);
            assert_eq!(response.state, None);
            response.status
        };
        let too_large = "413 Content Too Large";
        let length = |length| ("CONTENT_LENGTH", length);
        assert_eq!(
            status(&[POST, FORM, length("65537")], &[b'x'; 65537]),
            too_large
        );
        // Nothing is read, or taken, for what only says that it is long.
        assert_eq!(
            status(&[POST, FORM, length("18446744073709551615")], b""),
            too_large
        );
        assert_eq!(
            request(&[POST, FORM, length("65536")], &[b'x'; 65536]).status,
            "200 OK"
        );
        for broken in ["18446744073709551616", "-1", "x", "10"] {
            assert_eq!(
                status(&[POST, FORM, length(broken)], b"answer=x"),
                "400 Bad Request"
            );
        }
        assert_eq!(
            status(&[POST, FORM, length("1")], b"\xff"),
            "400 Bad Request"
        );
        let json = ("CONTENT_TYPE", "application/json");
        assert_eq!(
            status(&[POST, json, length("2")], b"{}"),
            "415 Unsupported Media Type"
        );
        let query = "x".repeat(65537);
        assert_eq!(
            status(&[GET, ("QUERY_STRING", &query)], b""),
            "414 URI Too Long"
        );
        let put = ("REQUEST_METHOD", "PUT");
        assert_eq!(status(&[put], b""), "405 Method Not Allowed");
        let error = "500 Internal Server Error";
        assert_eq!(status(&[GET, ("BOOKING_KEY", "secret")], b""), error);
        assert_eq!(
            status(&[GET, ("BOOKING_KEY_FILE", "/there/is/none")], b""),
            error
        );
    }

    #[test]
    fn the_longest_session_fits() {
        let long = "\u{10348}".repeat(LONGEST);
        let course = [&*long, &long, "yes", "yes"];
        let answers: Vec<_> = [&*long, "8"]
            .into_iter()
            .chain(course.repeat(MOST))
            .collect();
        let pages = go_on(start(), &answers);
        let things = vec![&*long; MOST].join(", ");
        let end = format!("A table for 8, {long}, and {things}.");
        assert_eq!(pages.last().map(Response::text), Some(&*end));
    }

    #[test]
    fn the_other_ways_to_ask() {
        // After a GET, a page can be gone on from by another; a HEAD is one without its page.
        let state = start().state.expect("it asks");
        let query = encoded(&state, "A & B");
        let query = ("QUERY_STRING", &*query);
        assert_eq!(request(&[GET, query], b"").text(), "For how many, A & B?");
        let head = request(&[("REQUEST_METHOD", "HEAD"), query], b"");
        assert_eq!((&*head.status, &*head.body), ("200 OK", ""));

        let file = env::temp_dir().join(format!("booking-key-{}", std::process::id()));
        fs::write(&file, format!("{KEY}\n")).expect("is written");
        let path = file.display().to_string();
        let page = post(
            &[("BOOKING_KEY_FILE", &path), ("BOOKING_KEY", "")],
            &state,
            "Anna",
        );
        fs::remove_file(&file).expect("is removed");
        assert_eq!(page.text(), "For how many, Anna?");
    }

    fn an_answer() -> impl Strategy<Value = &'static str> {
        let long = "sixty-one letters are one more than any answer may ever have.";
        prop_oneof![
            8 => prop::sample::select(vec!["yes", "no", "3", "soup"]),
            1 => prop::sample::select(vec!["", "0", "9", " yes ", "Ja\tja", long]),
            1 => prop::sample::select(vec![
                "<b>&amp;\"'", "Zo\u{eb} & 100%+1", "a=b&state=c", "</label>", "%41", "\u{202e}",
            ]),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: 12,
            rng_seed: RngSeed::Fixed(1),
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        /// The script is the same wherever its answers come from, and whatever was answered
        /// before somebody went back.
        #[test]
        fn console_and_cgi_agree(
            answers in prop::collection::vec(an_answer(), 0..16),
            others in prop::collection::vec(an_answer(), 0..8),
            back in any::<prop::sample::Index>(),
        ) {
            let pages = go_on(start(), &answers);
            prop_assert_eq!(texts(&pages), on_the_console(&answers));

            let back = back.index(pages.len());
            let mut branch = pages[..back].to_vec();
            branch.extend(go_on(pages[back].clone(), &others));
            let answers = [&answers[..back], &others].concat();
            prop_assert_eq!(texts(&branch), on_the_console(&answers));
        }
    }
}
