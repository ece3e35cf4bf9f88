//! Sample queries: investigations that are shipped, found by words.
//!
//! Each is a file of `content/queries/`: two comments, its name and what it is for, then the SQL over the table
//! of all events, which runs as it stands.

const FILES: &[&str] = &[
    include_str!("../../../../content/queries/access-denied.sql"),
    include_str!("../../../../content/queries/access-key-activity.sql"),
    include_str!("../../../../content/queries/access-keys-created.sql"),
    include_str!("../../../../content/queries/activity-by-hour.sql"),
    include_str!("../../../../content/queries/addresses-of-principals.sql"),
    include_str!("../../../../content/queries/administrators-made.sql"),
    include_str!("../../../../content/queries/bucket-exposure.sql"),
    include_str!("../../../../content/queries/busiest-operations.sql"),
    include_str!("../../../../content/queries/cross-account-calls.sql"),
    include_str!("../../../../content/queries/deletions.sql"),
    include_str!("../../../../content/queries/errors-by-principal.sql"),
    include_str!("../../../../content/queries/failed-console-sign-ins.sql"),
    include_str!("../../../../content/queries/first-calls.sql"),
    include_str!("../../../../content/queries/iam-changes.sql"),
    include_str!("../../../../content/queries/keys-disabled.sql"),
    include_str!("../../../../content/queries/recent-writes.sql"),
    include_str!("../../../../content/queries/resources-touched.sql"),
    include_str!("../../../../content/queries/role-assumptions.sql"),
    include_str!("../../../../content/queries/role-chains.sql"),
    include_str!("../../../../content/queries/root-activity.sql"),
    include_str!("../../../../content/queries/sign-ins-without-mfa.sql"),
    include_str!("../../../../content/queries/trails-tampered.sql"),
    include_str!("../../../../content/queries/user-agents.sql"),
    include_str!("../../../../content/queries/weak-tls.sql"),
];
/// A word in the name says more than one in the description, and that more than one in the SQL.
const WEIGHTS: [f32; 3] = [4.0, 2.0, 1.0];

/// A sample query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    pub name: &'static str,
    pub description: &'static str,
    pub sql: &'static str,
}

/// Every sample.
pub fn samples() -> impl Iterator<Item = Sample> {
    FILES.iter().filter_map(|file| read(file))
}

fn read(file: &'static str) -> Option<Sample> {
    let (name, rest) = file.strip_prefix("-- ")?.split_once('\n')?;
    let (description, sql) = rest.strip_prefix("-- ")?.split_once('\n')?;
    Some(Sample { name, description, sql: sql.trim_end() })
}

/// Samples that have words of the phrase, the most relevant first; relevance is from 0 to 1.
pub fn search(phrase: &str) -> Vec<(Sample, f32)> {
    let wanted = words(phrase);
    let mut found: Vec<_> = samples()
        .map(|sample| (sample, relevance(&sample, &wanted)))
        .filter(|(_, relevance)| *relevance > 0.0)
        .collect();
    found.sort_by(|(one, a), (other, b)| b.total_cmp(a).then(one.name.cmp(other.name)));
    found
}

fn relevance(sample: &Sample, wanted: &[String]) -> f32 {
    let places = [sample.name, sample.description, sample.sql].map(words);
    let best = |word: &String| {
        let has = |place: &Vec<String>| place.iter().any(|found| found == word);
        places.iter().zip(WEIGHTS).filter(|(place, _)| has(place)).map(|(_, weight)| weight).fold(0.0, f32::max)
    };
    let sum: f32 = wanted.iter().map(best).sum();
    if wanted.is_empty() { 0.0 } else { sum / (wanted.len() as f32 * WEIGHTS[0]) }
}

/// Lower case, parted where letters and digits end, also within `ConsoleLogin`; without endings and small words.
fn words(text: &str) -> Vec<String> {
    const SMALL: [&str; 16] =
        ["a", "an", "and", "by", "for", "from", "in", "is", "of", "on", "or", "that", "the", "to", "was", "with"];
    let mut parted = String::with_capacity(text.len() + 16);
    let mut before = ' ';
    for letter in text.chars() {
        if letter.is_uppercase() && before.is_lowercase() {
            parted.push(' ');
        }
        parted.extend(letter.to_lowercase());
        before = letter;
    }
    let all = parted.split(|letter: char| !letter.is_alphanumeric());
    let all = all.filter(|word| !word.is_empty() && !SMALL.contains(word));
    all.map(stem).collect()
}

/// Plurals and past forms are the same word, and so are the two ways to say how one gets into a console.
fn stem(word: &str) -> String {
    if matches!(word, "login" | "logins" | "signin" | "signins") {
        return "sign".to_owned();
    }
    let long = |rest: &str| rest.len() >= 3;
    ["ures", "ure", "ed", "ing", "es", "s"]
        .iter()
        .find_map(|ending| word.strip_suffix(ending).filter(|rest| long(rest)))
        .unwrap_or(word)
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_a_sample_over_the_table_of_events() {
        let all: Vec<_> = samples().collect();
        assert_eq!(all.len(), FILES.len());
        for sample in &all {
            assert!(sample.sql.starts_with("SELECT ") && sample.sql.contains("\nFROM events"), "{}", sample.name);
            assert!(sample.description.ends_with('.'), "{}", sample.name);
            assert_eq!(all.iter().filter(|other| other.name == sample.name).count(), 1);
        }
    }

    #[test]
    fn the_most_relevant_comes_first() {
        for (phrase, expected) in [
            ("console login failed", "Failed console sign-ins"),
            ("failed console logins", "Failed console sign-ins"),
            ("who assumes roles", "Who assumes which role"),
            ("leaked access key", "Activity of access keys"),
            ("root user", "What root did"),
            ("StopLogging", "Logging switched off or changed"),
        ] {
            let found = search(phrase);
            assert_eq!(found.first().map(|(sample, _)| sample.name), Some(expected), "{phrase}: {found:?}");
            assert!(found.iter().all(|(_, relevance)| (0.0..=1.0).contains(relevance)));
        }
        assert_eq!(search("zebra"), []);
        assert_eq!(search("the of"), []);
    }
}
