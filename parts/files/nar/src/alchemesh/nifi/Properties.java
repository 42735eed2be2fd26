package alchemesh.nifi;

import org.apache.nifi.components.PropertyDescriptor;
import org.apache.nifi.components.Validator;
import org.apache.nifi.expression.ExpressionLanguageScope;

/** Properties under the names that NiFi's own types give them. */
public final class Properties {

    private Properties() {
    }

    public static PropertyDescriptor required(String name, String displayName) {
        return text(name, displayName).required(true).build();
    }

    public static PropertyDescriptor.Builder text(String name, String displayName) {
        return new PropertyDescriptor.Builder()
            .name(name)
            .displayName(displayName)
            .description(displayName)
            .addValidator(Validator.VALID);
    }

    public static PropertyDescriptor.Builder choice(String name, String displayName, String byDefault, String... values) {
        return new PropertyDescriptor.Builder()
            .name(name)
            .displayName(displayName)
            .description(displayName)
            .required(true)
            .allowableValues(values)
            .defaultValue(byDefault);
    }

    public static PropertyDescriptor perFlowFile(String name, String displayName, String byDefault, boolean required) {
        return text(name, displayName)
            .required(required)
            .defaultValue(byDefault)
            .expressionLanguageSupported(ExpressionLanguageScope.FLOWFILE_ATTRIBUTES)
            .build();
    }
}
