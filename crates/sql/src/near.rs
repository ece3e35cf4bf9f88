//! Which known name was meant.

/// The candidate that is nearest to `name`, when it is near enough to be what was meant.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase();
    let allowed = (name.chars().count() / 3).max(1) + 1;
    let distances = candidates.into_iter().map(|candidate| (distance(&name, &candidate.to_lowercase()), candidate));
    let near = distances.filter(|(distance, _)| *distance <= allowed);
    near.min_by_key(|(distance, candidate)| (*distance, candidate.len())).map(|(_, candidate)| candidate)
}

/// `; did you mean X?`, or nothing.
pub fn hint<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    nearest(name, candidates).map_or_else(String::new, |near| format!("; did you mean {near}?"))
}

/// How many characters are to be put in, taken away, changed, or swapped with their neighbour.
fn distance(from: &str, to: &str) -> usize {
    let (from, to): (Vec<char>, Vec<char>) = (from.chars().take(64).collect(), to.chars().take(64).collect());
    let mut rows = vec![vec![0; to.len() + 1]; from.len() + 1];
    for (index, row) in rows.iter_mut().enumerate() {
        row[0] = index;
    }
    rows[0] = (0..=to.len()).collect();
    for i in 1..=from.len() {
        for j in 1..=to.len() {
            let change = usize::from(from[i - 1] != to[j - 1]);
            let mut best = (rows[i - 1][j] + 1).min(rows[i][j - 1] + 1).min(rows[i - 1][j - 1] + change);
            if i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[from.len()][to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_the_name_and_another_word_does_not() {
        let names = ["eventname", "eventtime", "eventsource", "awsregion"];
        assert_eq!(nearest("evntname", names), Some("eventname"));
        assert_eq!(nearest("EventTmie", names), Some("eventtime"));
        assert_eq!(nearest("region", names), Some("awsregion"));
        assert_eq!(nearest("quux", names), None);
    }
}
