//! Which events a table takes, made ready to be asked for each event.

use super::{Rule, Table, Takes};
use crate::Error;
use cairn_event::{Head, Origin, Origins, Time};
use cairn_journal::Item;
use cairn_pattern::selector::StoreSelectors;
use std::collections::BTreeSet;

/// What was recorded here; not what somebody else recorded earlier, nor what applications send.
const RECORDED: Origins = Origins::of(&[Origin::Door, Origin::Gateway, Origin::Finding]);

/// The rules of one table, in their order.
pub(crate) struct Rules(Vec<(Time, Compiled)>);

enum Compiled {
    Nothing,
    Everything,
    Selected { accounts: BTreeSet<String>, region: Option<String>, selectors: Box<StoreSelectors> },
    Channels(BTreeSet<String>),
}

impl Rules {
    /// Errors: Invalid when selectors are none.
    pub fn of(table: &Table) -> Result<Self, Error> {
        let compiled = |rule: &Rule| Ok((rule.since, Compiled::of(&rule.takes)?));
        table.intake.iter().map(compiled).collect::<Result<_, _>>().map(Self)
    }

    /// Whether the table takes this event, by the last rule that had begun when it was recorded.
    pub fn take(&self, item: &Item<'_>) -> bool {
        let at = item.time();
        let rule = self.0.iter().rev().find(|(since, _)| *since <= at);
        rule.is_some_and(|(_, rule)| rule.takes(item))
    }
}

impl Compiled {
    fn of(takes: &Takes) -> Result<Self, Error> {
        Ok(match takes {
            Takes::Nothing => Self::Nothing,
            Takes::Everything => Self::Everything,
            Takes::Channels(channels) => Self::Channels(channels.iter().cloned().collect()),
            Takes::Selected { accounts, region, selectors } => {
                let selectors: StoreSelectors = serde_json::from_value(selectors.clone())
                    .map_err(|error| Error::Invalid(format!("selectors: {error}")))?;
                let (accounts, region) = (accounts.iter().cloned().collect(), region.clone());
                Self::Selected { accounts, region, selectors: Box::new(selectors) }
            }
        })
    }

    fn takes(&self, item: &Item<'_>) -> bool {
        match self {
            Self::Nothing => false,
            Self::Everything => true,
            Self::Channels(channels) => {
                let of_channel = |head: &Head<'_>| {
                    head.string_at(&["metadata", "channelARN"]).is_some_and(|channel| channels.contains(&*channel))
                };
                item.origin() == Origin::Channel && item.head().as_ref().is_some_and(of_channel)
            }
            Self::Selected { accounts, region, selectors } => {
                let Some(head) = item.head().filter(|_| RECORDED.contains(item.origin())) else { return false };
                let of_account = head.recipient_account_id.as_deref().is_some_and(|account| accounts.contains(account));
                let of_region = region.as_deref().is_none_or(|region| head.aws_region.as_deref() == Some(region));
                of_account && of_region && selectors.matches(&head)
            }
        }
    }
}
