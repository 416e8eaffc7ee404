//! What wrk sends, and what it reports.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::shell::{Doing, Failure, Outcome, Shell, command};

/// The list of a project's credentials, over and over.
pub(crate) fn list(folder: &Path, token: &str, project: &str) -> Outcome<PathBuf> {
    let body = format!(
        r#"{{"query":"query($projectId: UUID!) {{ allDockerCredentials(projectId: $projectId) {{ id registry username lastUpdate jobs {{ id }} }} }}","variables":{{"projectId":"{project}"}}}}"#
    );
    let lua = format!("wrk.body = [[{body}]]\n");
    script(folder, "list.lua", &posting(token, &lua))
}

/// The same pull, over and over.
pub(crate) fn pull(folder: &Path, token: &str, project: &str, image: &str) -> Outcome<PathBuf> {
    let lua = format!("wrk.body = [[{{\"project\":\"{project}\",\"image\":\"{image}\"}}]]\n");
    script(folder, "pull.lua", &posting(token, &lua))
}

/// A read of OpenBao, over and over.
pub(crate) fn read(folder: &Path, token: &str) -> Outcome<PathBuf> {
    let lua = format!("wrk.headers[\"x-vault-token\"] = \"{token}\"\n");
    script(folder, "read.lua", &lua)
}

/// New credentials each time, in the projects by turns.
pub(crate) fn create(folder: &Path, token: &str, projects: &[String]) -> Outcome<PathBuf> {
    let projects = projects
        .iter()
        .map(|id| format!("\"{id}\""))
        .collect::<Vec<_>>()
        .join(",");
    let lua = format!(
        r#"
local projects = {{{projects}}}
local threads = 0
function setup(thread) thread:set("number", threads); threads = threads + 1 end
local serial = 0
local run = os.time() .. "-" .. tostring(math.random(1000000000))
function init() math.randomseed(os.time() + number); run = os.time() .. "-" .. number .. "-" .. math.random(1000000000) end
function request()
  serial = serial + 1
  return wrk.format(nil, nil, nil, '{{"query":"mutation($c: DockerCredentialsInput) {{ createDockerCredentials(dockerCredentials: $c) {{ id }} }}","variables":{{"c":{{"registry":"registry.example.com","username":"' .. run .. '-' .. serial .. '","password":"correct horse battery staple","projectId":"' .. projects[serial % #projects + 1] .. '"}}}}}}')
end
"#
    );
    script(folder, "create.lua", &posting(token, &lua))
}

fn posting(token: &str, lua: &str) -> String {
    format!(
        r#"wrk.method = "POST"
wrk.headers["content-type"] = "application/json"
wrk.headers["authorization"] = "Bearer {token}"
{lua}"#
    )
}

/// An answer with errors counts as none: GraphQL tells them with status 200.
fn script(folder: &Path, name: &str, lua: &str) -> Outcome<PathBuf> {
    let text = format!(
        r#"{lua}
local threads = {{}}
local once = setup
function setup(thread) if once then once(thread) end; table.insert(threads, thread) end
refused = 0
function response(status, headers, body)
  if status ~= 200 or string.find(body, '"errors"', 1, true) then refused = refused + 1 end
end
function done(summary)
  local all = 0
  for _, thread in ipairs(threads) do all = all + thread:get("refused") end
  local broken = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
  print("refused " .. all + broken)
  print("rate " .. (summary.requests / (summary.duration / 1000000)))
end
"#
    );
    let file = folder.join(name);
    fs::write(&file, text).doing(format_args!("write {}", file.display()))?;
    Ok(file)
}

/// One run of wrk.
pub(crate) struct Wrk {
    connections: u32,
    time: Duration,
}

impl Wrk {
    pub(crate) fn new(connections: u32, time: Duration) -> Self {
        Self { connections, time }
    }

    /// Requests in a second; a failure where any was not answered as it should be.
    pub(crate) fn run(&self, script: &Path, url: &str) -> Outcome<f64> {
        let args = format!("-t1 -c{} -d{}s -s", self.connections, self.time.as_secs());
        let text = Shell::terminal().read(command("wrk", &args).arg(script).arg(url))?;
        let line = |word: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(word));
            line.ok_or_else(|| Failure::new(format!("wrk did not print `{word}`:\n{text}")))
        };
        let refused = number(line("refused ")?)?;
        if refused > 0.0 {
            return Err(Failure::new(format!(
                "{refused} requests to {url} were refused or broke off"
            )));
        }
        number(line("rate ")?)
    }
}

pub(crate) fn number(text: &str) -> Outcome<f64> {
    let text = text.trim();
    text.parse()
        .map_err(|_| Failure::new(format!("`{text}` is no number")))
}
