use super::*;
use crate::shred::{Shredder, originals};
use arrow::array::{Array, AsArray};
use arrow::datatypes::Schema;
use cairn_event::{Origin, Time};
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::file::metadata::PageIndexPolicy;
use parquet::file::reader::FileReader;
use parquet::file::serialized_reader::SerializedFileReader;

fn event(number: u32) -> String {
    format!(
        r#"{{"eventVersion":"1.08","userIdentity":{{"type":"IAMUser","arn":"arn:aws:iam::1:user/u{user}","accessKeyId":"AKIA{user}","userName":"u{user}"}},"eventTime":"2023-07-{day:02}T11:42:{second:02}Z","eventSource":"s3.amazonaws.com","eventName":"GetObject","sourceIPAddress":"10.0.0.{user}","requestParameters":{{"bucketName":"bucket-{bucket}","maxKeys":{number}}},"responseElements":null,"eventID":"{number:08x}-0000-4000-8000-000000000000","readOnly":true,"resources":[{{"ARN":"arn:aws:s3:::bucket-{bucket}","type":"AWS::S3::Bucket"}}],"extra":"é"}}"#,
        user = number % 20,
        day = number * 7 % 28 + 1,
        second = number % 60,
        bucket = number % 50,
    )
}

fn shredded(range: std::ops::Range<u32>) -> RecordBatch {
    let mut shredder = Shredder::new();
    for number in range {
        shredder.push(&event(number), Origin::Import, Time(1_700_000_000_000)).unwrap();
    }
    shredder.finish()
}

fn all(rows: &[RecordBatch]) -> Vec<String> {
    rows.iter()
        .flat_map(|rows| originals(rows).iter().map(|event| event.unwrap().to_owned()).collect::<Vec<_>>())
        .collect()
}

#[test]
fn a_file_gives_its_rows_back_in_the_order_of_their_times() {
    let written = write(&[shredded(0..3000), shredded(3000..3001), shredded(3001..9000)]).unwrap();
    assert_eq!(written.rows, 9000);
    let rows = read(written.bytes).unwrap();
    let events = all(&rows);
    let mut expected: Vec<String> = (0..9000).map(event).collect();
    expected.sort_by_key(|event| event[event.find("2023-07-").unwrap()..].chars().take(20).collect::<String>());
    assert_eq!(events, expected);
    let span = ("2023-07-01T11:42:00Z", "2023-07-28T11:42:59Z");
    let micros = |text: &str| Time::parse(text).unwrap().millis() * 1000;
    assert!(written.times.0 >= micros(span.0) && written.times.1 <= micros(span.1));
    assert_eq!(rows.iter().map(|rows| order::times(std::slice::from_ref(rows)).0).min(), Some(written.times.0));
}

#[test]
fn no_rows_make_a_file_of_none() {
    let written = write(&[]).unwrap();
    assert_eq!((written.rows, written.times), (0, (0, 0)));
    assert_eq!(all(&read(written.bytes).unwrap()), Vec::<String>::new());
    assert!(!written.facts.may_hold("eventid", "x"));
}

#[test]
fn a_file_says_what_is_in_it() {
    let written = write(&[shredded(0..66_000)]).unwrap();
    let reader = SerializedFileReader::new(written.bytes.clone()).unwrap();
    let metadata = reader.metadata();
    assert_eq!(metadata.num_row_groups(), 2);
    let keys = metadata.file_metadata().key_value_metadata().unwrap();
    assert!(keys.iter().any(|pair| pair.key == "cairn.schema" && pair.value.as_deref() == Some("1")));
    let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Required);
    let metadata = ArrowReaderMetadata::load(&written.bytes, options).unwrap();
    assert_eq!(metadata.schema().fields(), schema::arrow().fields());
    let pages = &metadata.metadata().offset_index().unwrap()[0][schema::index("eventid")];
    assert_eq!(pages.page_locations().len(), GROUP_ROWS / PAGE_ROWS);
    for (index, column) in COLUMNS.iter().enumerate() {
        let chunk = metadata.metadata().row_group(0).column(index);
        assert_eq!(chunk.bloom_filter_offset().is_some(), column.bloom, "{}", column.name);
        assert!(chunk.bloom_filter_length().is_none_or(|length| length < 150_000), "{}", column.name);
    }
}

#[test]
fn an_older_file_reads_with_nulls_for_what_it_lacks() {
    let rows = shredded(0..100);
    let lacks = ["annotation", "username", "resourcenames", "origin", "edgedevicedetails"];
    let kept: Vec<usize> = (0..COLUMNS.len()).filter(|index| !lacks.contains(&COLUMNS[*index].name)).collect();
    let older = rows.project(&kept).unwrap();
    let mut writer = ArrowWriter::try_new(Vec::new(), older.schema(), None).unwrap();
    writer.write(&older).unwrap();
    let back = read(writer.into_inner().unwrap().into()).unwrap();
    assert_eq!(back[0].schema(), schema::arrow());
    for name in lacks {
        assert_eq!(back[0].column_by_name(name).unwrap().null_count(), 100, "{name}");
    }
    assert_eq!(all(&back), (0..100).map(event).collect::<Vec<_>>());
    let merged = write(&[back[0].clone(), rows]).unwrap();
    assert_eq!(read(merged.bytes).unwrap().iter().map(RecordBatch::num_rows).sum::<usize>(), 200);
}

#[test]
fn an_event_whose_columns_are_missing_is_null_and_not_a_wrong_event() {
    let rows = shredded(0..2);
    let id = schema::index("eventid");
    let kept: Vec<usize> = (0..COLUMNS.len()).filter(|index| *index != id).collect();
    assert_eq!(originals(&rows.project(&kept).unwrap()).null_count(), 2);
}

#[test]
fn views_and_dictionaries_read_as_texts() {
    use arrow::datatypes::{DataType, Field};
    let rows = shredded(0..50);
    for kind in [DataType::Utf8View, DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))] {
        let columns: Vec<ArrayRef> = rows
            .columns()
            .iter()
            .map(
                |column| {
                    if *column.data_type() == DataType::Utf8 { cast(column, &kind).unwrap() } else { column.clone() }
                },
            )
            .collect();
        let fields =
            COLUMNS.iter().zip(&columns).map(|(of, column)| Field::new(of.name, column.data_type().clone(), true));
        let rows = RecordBatch::try_new(Arc::new(Schema::new(fields.collect::<Vec<_>>())), columns).unwrap();
        assert_eq!(all(std::slice::from_ref(&rows)), (0..50).map(event).collect::<Vec<_>>());
        assert_eq!(all(&[conform(&rows).unwrap()]), (0..50).map(event).collect::<Vec<_>>());
    }
}

#[test]
fn what_is_damaged_is_corrupt() {
    let bytes = write(&[shredded(0..100)]).unwrap().bytes;
    assert!(matches!(read(bytes.slice(..bytes.len() - 9)), Err(Error::Corrupt(_))));
    assert!(matches!(read(Bytes::from_static(b"PAR1")), Err(Error::Corrupt(_))));
}

#[test]
fn facts_hold_every_value_and_rule_out_most_others() {
    let rows = shredded(0..5000);
    let facts = write(std::slice::from_ref(&rows)).unwrap().facts;
    for column in COLUMNS.iter().filter(|column| column.bloom && column.kind == Kind::Text) {
        let texts = rows.column_by_name(column.name).unwrap().as_string::<i32>();
        assert!(texts.iter().flatten().all(|text| facts.may_hold(column.name, text)), "{}", column.name);
    }
    assert!((0..50).all(|n| facts.may_hold("resourcenames", &format!("bucket-{n}"))));
    assert!((0..50).all(|n| facts.may_hold_parameter(&["bucketName"], &format!("bucket-{n}"))));
    let mistakes = |held: &dyn Fn(String) -> bool| (50..1050).filter(|n| held(format!("bucket-{n}"))).count();
    assert!(mistakes(&|name| facts.may_hold("resourcenames", &name)) < 60);
    assert!(mistakes(&|name| facts.may_hold_parameter(&["bucketName"], &name)) < 120);
    assert!(mistakes(&|name| facts.may_hold("eventid", &name)) < 250);
    assert!(facts.may_hold("eventname", "no filter for this one") && facts.may_hold("nothing", "x"));
    assert!(facts.size() < 5000 * 3 / 2 + 8192, "{}", facts.size());
}

#[test]
fn facts_come_back_from_the_books() {
    let facts = write(&[shredded(0..500)]).unwrap().facts;
    let text = serde_json::to_string(&facts).unwrap();
    assert_eq!(serde_json::from_str::<Facts>(&text).unwrap(), facts);
    let nothing: Facts = serde_json::from_str("\"\"").unwrap();
    assert_eq!(nothing, Facts::default());
    assert!(nothing.may_hold("eventid", "x") && nothing.may_hold_parameter(&["a"], "x"));
    let cut = format!("{}\"", &text[..text.len() / 2]);
    assert!(serde_json::from_str::<Facts>(&cut).is_err());
}
